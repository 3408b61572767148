// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
)

const (
	units       = "../../manifests/systemd/"
	familiesEnv = "TCPRESUME_AGENT_FAMILIES"
)

// directives are the values of one directive in the files of a unit, in their order.
func directives(t *testing.T, name string, files ...string) (values []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(units + file)
		check.Must(t, err)
		for line := range strings.Lines(string(text)) {
			value, found := strings.CutPrefix(strings.TrimSpace(line), name+"=")
			switch {
			case found && value == "":
				values = nil
			case found:
				values = append(values, strings.Fields(value)...)
			}
		}
	}
	return values
}

// confined becomes a command for which socket(2) knows the named families only,
// as systemd's RestrictAddressFamilies does it.
func confined(families string) {
	runtime.LockOSThread()
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	answer := func(with uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: with} }
	equal := func(k uint32, then, otherwise uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: then, Jf: otherwise}
	}
	names := map[string]uint32{"AF_UNIX": unix.AF_UNIX, "AF_NETLINK": unix.AF_NETLINK, "AF_INET": unix.AF_INET, "AF_INET6": unix.AF_INET6}
	allowed := strings.Fields(families)
	filter := []unix.SockFilter{load(0), equal(unix.SYS_SOCKET, 0, uint8(len(allowed)+2)), load(16)}
	for i, name := range allowed {
		filter = append(filter, equal(names[name], uint8(len(allowed)-i), 0))
	}
	filter = append(filter, answer(unix.SECCOMP_RET_ERRNO|uint32(unix.EAFNOSUPPORT)), answer(unix.SECCOMP_RET_ALLOW))
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	}
	if err == nil {
		var path string
		if path, err = exec.LookPath(os.Args[1]); err == nil {
			err = syscall.Exec(path, os.Args[1:], os.Environ())
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// asUnit is a command under the address families of a unit's files.
func asUnit(t *testing.T, before []string, files ...string) *exec.Cmd {
	t.Helper()
	families := directives(t, "RestrictAddressFamilies", files...)
	if len(families) == 0 {
		t.Fatalf("%v restrict no families", files)
	}
	cmd := exec.Command("/proc/self/exe", before...)
	cmd.Env = append(os.Environ(), familiesEnv+"="+strings.Join(families, " "))
	return cmd
}

// untilSaid runs a command until it has said something, or has ended.
func untilSaid(t *testing.T, cmd *exec.Cmd, words string) string {
	t.Helper()
	out, err := cmd.StderrPipe()
	check.Must(t, err)
	check.Must(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	said := ""
	for lines := bufio.NewScanner(out); !strings.Contains(said, words) && lines.Scan(); {
		said += lines.Text() + "\n"
	}
	return said
}

// The shipped unit takes nothing away that the agent needs to refuse the
// machine's own addresses.
func TestOwnAddressesUnderTheUnit(t *testing.T) {
	s, here := newStage(t), newApart(t)
	own := netip.MustParseAddr("198.51.100.9")
	here.address(t, "add", own)
	cmd := asUnit(t, here.command().Args, "tcpresume-agent.service")
	a := s.startBy(t, cmd)
	if !s.refusedPeer(t, own) {
		t.Errorf("the machine's own address is taken; it said %s", a.Said())
	}
}

// Where the machine's addresses cannot be seen, the agent says so: in its log, in
// its status and to the doctor.
func TestAddressesThatCannotBeSeen(t *testing.T) {
	s := newStage(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), familiesEnv+"=AF_UNIX")
	a := s.startBy(t, cmd)
	_, status, _ := s.run(t, "status")
	_, doctor, _ := s.run(t, "doctor")
	for where, text := range map[string]string{"status": status, "doctor": doctor} {
		if !strings.Contains(text, "AF_NETLINK") {
			t.Errorf("%s says\n%s", where, text)
		}
	}
	check.Must(t, a.Stop())
	if !strings.Contains(a.Said(), "AF_NETLINK") {
		t.Errorf("it said %s", a.Said())
	}
}

// What a fleet and metrics need is in the drop-in that is shipped; without it the
// agent names it.
func TestTheNetworkUnderTheUnit(t *testing.T) {
	s := newStage(t)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	check.Must(t, err)
	port := at.Addr().String()
	at.Close()
	plain := asUnit(t, []string{program}, "tcpresume-agent.service")
	for _, c := range [][]string{{"--metrics", port}, {"--fleet", "nats://" + port}} {
		cmd := exec.Command(plain.Path, slices.Concat(plain.Args[1:], []string{"agent", "--pins", s.pins, "--socket-dir", s.sockets}, c)...)
		cmd.Env = plain.Env
		out := untilSaid(t, cmd, "network.conf")
		if !strings.Contains(out, "RestrictAddressFamilies") || !strings.Contains(out, "IPAddressDeny") {
			t.Errorf("%v: it said %s", c, out)
		}
	}
	cmd := asUnit(t, nil, "tcpresume-agent.service", "network.conf")
	a := s.startBy(t, cmd, "--metrics", port, "--fleet", "nats://127.0.0.1:1")
	reply, err := http.Get("http://" + port + "/metrics")
	check.Must(t, err)
	reply.Body.Close()
	check.Same(t, "status", reply.StatusCode, http.StatusOK)
	check.Must(t, a.Stop())
	if strings.Contains(a.Said(), "RestrictAddressFamilies") {
		t.Errorf("with the drop-in it said %s", a.Said())
	}
	if denied := directives(t, "IPAddressDeny", "tcpresume-agent.service", "network.conf"); len(denied) > 0 {
		t.Errorf("the drop-in leaves packets denied: %v", denied)
	}
}

// considered are the directives of the shipped units, each with what it takes from
// the program and why nothing is missed. Who adds one looks at that first.
var considered = map[string]string{
	"Description": "", "Documentation": "", "Requires": "", "After": "", "Before": "", "Type": "", "RemainAfterExit": "", "ExecStart": "", "ExecReload": "", "ExecStop": "",
	"Restart": "", "RestartSec": "", "WatchdogSec": "", "WantedBy": "", "User": "", "Group": "", "CPUWeight": "", "OOMScoreAdjust": "",
	"RuntimeDirectory": "", "RuntimeDirectoryMode": "", "RuntimeDirectoryPreserve": "",
	"UMask":                   "sockets get their mode explicitly (TestOtherUsersAreRefusedOnBothSockets)",
	"MemoryMax":               "holds 524288 paths of a fleet (300 bytes each) and 65536 peers of several users (1.5 kB each)",
	"CapabilityBoundingSet":   "no other network namespace is entered: the agent says so (TestWhatAPodCannotReach)",
	"AmbientCapabilities":     "as above",
	"NoNewPrivileges":         "runs no other program",
	"SystemCallFilter":        "bpf is among them",
	"SystemCallErrorNumber":   "EPERM, which errors name",
	"SystemCallArchitectures": "one binary",
	"RestrictAddressFamilies": "netlink for the machine's addresses; IP by network.conf (TestTheNetworkUnderTheUnit)",
	"IPAddressDeny":           "undone by network.conf; errors of the network name it",
	"RestrictNamespaces":      "as CapabilityBoundingSet; the report socket is made where it may be",
	"RestrictRealtime":        "wants none",
	"RestrictSUIDSGID":        "makes no such files",
	"LockPersonality":         "has one",
	"MemoryDenyWriteExecute":  "has no such memory",
	"ProtectSystem":           "writes in its runtime directory and the bpffs only (TestNoCapabilityIsNeeded: read-only)",
	"ProtectHome":             "files of the fleet lie under /etc: said in the unit",
	"ProtectClock":            "sets none",
	"ProtectControlGroups":    "reads none",
	"ProtectHostname":         "the name is read at the start",
	"ProtectKernelLogs":       "reads none",
	"ProtectKernelModules":    "loads none",
	"ProtectKernelTunables":   "sets none; the bpffs may be read-only (TestNoCapabilityIsNeeded)",
	"ProtectProc":             "hides other users' processes, whose namespaces it may not enter anyway",
	"PrivateDevices":          "opens none",
	"PrivateTmp":              "files of the fleet lie under /etc: said in the unit",
	"RemoveIPC":               "has none",
	"DevicePolicy":            "opens none",
}

func TestEveryDirectiveWasConsidered(t *testing.T) {
	found, err := os.ReadDir(units)
	check.Must(t, err)
	for _, file := range found {
		if strings.HasSuffix(file.Name(), ".yaml") {
			continue
		}
		text, err := os.ReadFile(units + file.Name())
		check.Must(t, err)
		for line := range strings.Lines(string(text)) {
			name, _, is := strings.Cut(strings.TrimSpace(line), "=")
			if _, known := considered[name]; is && !strings.HasPrefix(name, "#") && !known {
				t.Errorf("%s: %s: what does it take from the program, and who says so?", file.Name(), name)
			}
		}
	}
}

// Where no other namespace can be entered, as in the shipped pod and unit, the
// agent says which connections it does not reach.
func TestWhatAPodCannotReach(t *testing.T) {
	for name, before := range map[string][]string{
		"without a capability":          {"setpriv", "--bounding-set=-all", "--inh-caps=-all"},
		"without the host's processes":  {"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"},
		"in namespaces and without any": {"unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "setpriv", "--bounding-set=-all", "--inh-caps=-all"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			a := s.startBy(t, exec.Command(before[0], before[1:]...))
			defer a.Kill() // unshare is deaf to SIGTERM
			_, text, _ := s.run(t, "status", "-o", "json")
			var status struct{ Agent struct{ Notes []string } }
			check.Must(t, json.Unmarshal([]byte(text), &status))
			notes := slices.DeleteFunc(status.Agent.Notes, func(note string) bool { return strings.Contains(note, "may wait") }) // as long as the machine has it
			if len(notes) != 1 || !strings.Contains(notes[0], "network namespace only") {
				t.Errorf("its notes are %q", notes)
			}
			_, doctor, _ := s.run(t, "doctor")
			if !strings.Contains(doctor, "network namespace only") {
				t.Errorf("the doctor says\n%s", doctor)
			}
		})
	}
}
