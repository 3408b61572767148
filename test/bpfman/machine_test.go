// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// machine is a host that never saw bpfman or tcpresume: /run, /etc/bpfman and
// the network are its own, and gone with the test.
type machine struct {
	*lab.Lab
	Cgroup *lab.Cgroup
	ca     string // PEM file that vouches for its registry
}

const configuration = "[signing]\nallow_unsigned = true\nverify_enabled = false\n"

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{}
	mount(t, "tmpfs", "/run", "mode=755")
	upper := "/run/etc"
	check.Must(t, os.MkdirAll(upper+"/upper/bpfman", 0o755))
	check.Must(t, os.MkdirAll(upper+"/work", 0o755))
	check.Must(t, os.WriteFile(upper+"/upper/bpfman/bpfman.toml", []byte(configuration), 0o644))
	check.Must(t, os.WriteFile(upper+"/upper/resolv.conf", []byte("nameserver 127.0.0.1\n"), 0o644)) // nobody there, said at once
	mount(t, "overlay", "/etc", "lowerdir=/etc,upperdir="+upper+"/upper,workdir="+upper+"/work")
	mount(t, "tracefs", "/sys/kernel/tracing", "")

	var err error
	m.Cgroup, err = lab.NewCgroup(strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")))
	check.Must(t, err)
	t.Cleanup(func() {
		if err := m.Cgroup.Remove(); err != nil {
			t.Error(err)
		}
	})
	m.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	t.Cleanup(func() {
		if err := m.Lab.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if t.Failed() {
			_ = m.command(nil, tcpresumePath, "down").Run()
		}
		check.Eventually(t, patience, "no congestion control of ours registered", func() bool {
			list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
			check.Must(t, err)
			return !strings.Contains(string(list), "resume_")
		})
	})
	return m
}

func mount(t testing.TB, kind, at, options string) {
	t.Helper()
	if err := unix.Mount(kind, at, kind, 0, options); err != nil {
		t.Fatalf("mounting %s on %s: %v", kind, at, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", at, err)
		}
	})
}

// command is run in the server's network.
func (m *machine) command(environment []string, path string, arguments ...string) *exec.Cmd {
	cmd := exec.Command(path, arguments...)
	cmd.Env = append(os.Environ(), environment...)
	return cmd
}

// answer is what a command said.
type answer struct {
	out, complaint string
	code           int
}

func (m *machine) run(t testing.TB, shown string, cmd *exec.Cmd) answer {
	t.Helper()
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	check.Must(t, m.Server.Do(cmd.Start))
	_ = cmd.Wait() // the code says it
	a := answer{out.String(), complaint.String(), cmd.ProcessState.ExitCode()}
	t.Logf("$ %s\n%s%s", shown, a.complaint, a.out)
	return a
}

// tcpresume must succeed.
func (m *machine) tcpresume(t testing.TB, arguments ...string) string {
	t.Helper()
	a := m.try(t, arguments...)
	if a.code != 0 {
		t.Fatalf("tcpresume %s: exit code %d", strings.Join(arguments, " "), a.code)
	}
	return a.out
}

func (m *machine) try(t testing.TB, arguments ...string) answer {
	t.Helper()
	return m.run(t, "tcpresume "+strings.Join(arguments, " "), m.command(nil, tcpresumePath, arguments...))
}

// bpfman is the released one, in Rust. It insists on a right to raise a limit
// that kernels since 5.11 do not use, so it is told that it has.
func (m *machine) bpfman(t testing.TB, arguments ...string) answer {
	t.Helper()
	if bpfmanDir == "" {
		t.Skip("no released bpfman: \"make test-all\" builds it once, with Rust (https://rustup.rs)")
	}
	environment := []string{"LD_PRELOAD=" + filepath.Join(bpfmanDir, "lib", "rlimit.so"), "SSL_CERT_FILE=" + m.ca}
	return m.run(t, "bpfman "+strings.Join(arguments, " "), m.command(environment, filepath.Join(bpfmanDir, "bin", "bpfman"), arguments...))
}

func (m *machine) mustBpfman(t testing.TB, arguments ...string) string {
	t.Helper()
	a := m.bpfman(t, arguments...)
	if a.code != 0 {
		t.Fatalf("bpfman %s: exit code %d", strings.Join(arguments, " "), a.code)
	}
	return a.out
}

func mapsOf(id uint32) string { return fmt.Sprintf("/run/bpfman/fs/maps/%d", id) }
