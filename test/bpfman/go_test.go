// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/test/check"
)

// goEnv names a bpfman of the Go generation, which has no release: one built
// from its public source (docs/bpfman.md says how).
const goEnv = "BPFMAN_GO"

// goMachine is a machine on which the Go bpfman has loaded nothing.
func goMachine(t *testing.T) *machine {
	t.Helper()
	if os.Getenv(goEnv) == "" {
		t.Skipf("%s names no bpfman of the Go generation (docs/bpfman.md)", goEnv)
	}
	m := newMachine(t)
	mount(t, "tmpfs", "/var/cache", "mode=755")
	t.Cleanup(func() { _ = unix.Unmount("/run/bpfman/fs", unix.MNT_DETACH) })
	return m
}

// installed puts the command where tcpresume finds it.
func (m *machine) installed(t *testing.T) *machine {
	t.Helper()
	bin := t.TempDir()
	check.Must(t, os.Symlink(os.Getenv(goEnv), filepath.Join(bin, "bpfman")))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return m
}

func (m *machine) goBpfman(t testing.TB, arguments ...string) string {
	t.Helper()
	a := m.run(t, "bpfman "+strings.Join(arguments, " "), m.command(nil, "bpfman", arguments...))
	if a.code != 0 {
		t.Fatalf("bpfman %s: exit code %d", strings.Join(arguments, " "), a.code)
	}
	return a.out
}

// goPush uses a registry without TLS, which this generation allows on the loopback.
func (m *machine) goPush(t testing.TB) (image string) {
	t.Helper()
	image = m.registry(t, false) + "/tcpresume-bytecode:v1"
	m.tcpresume(t, "image", "push", image)
	return image
}

func (m *machine) goLoad(t testing.TB, image string, more ...string) (id uint32) {
	t.Helper()
	arguments := append([]string{"program", "load", "image", "--programs", program(decider),
		"-m", "bpfman.io/ProgramName=tcpresume", "-a", "tcpresume", "-o", "json"}, more...)
	var loaded struct {
		Programs []struct {
			Record struct {
				ProgramID uint32 `json:"program_id"`
			}
		}
	}
	check.Must(t, json.Unmarshal([]byte(m.goBpfman(t, append(arguments, image)...)), &loaded))
	return loaded.Programs[0].Record.ProgramID
}

func (m *machine) goUnload(t testing.TB, id uint32) {
	t.Helper()
	m.goBpfman(t, "program", "unload", strconv.Itoa(int(id)))
}

func TestProgramModeWithTheGoBpfman(t *testing.T) {
	m := goMachine(t).installed(t)
	image := m.goPush(t)
	first := m.goLoad(t, image)
	m.up(t)
	s := m.status(t)
	check.Same(t, "attached is bpfman's own program", s.Runtime.Program.ID, first)
	has(t, "found by", s.Bpfman.Detail, "program list -o json")
	m.put(t, mapsOf(first), "100000")
	old := m.connect(t, false)
	check.Same(t, "resumed", old.start(t), old.resumed(t, 100_000))

	m.goUnload(t, first) // while attached
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionUnloaded)
	p := m.connect(t, true)
	check.Same(t, "while unloaded", p.start(t), p.resumed(t, 100_000))

	second := m.goLoad(t, image)
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionNewer)
	m.up(t)
	check.Same(t, "attached", m.attachedProgram(t), second)
	p = m.connect(t, false)
	check.Same(t, "after moving over", p.start(t), p.resumed(t, 100_000))
	old.send(t, 1_000_000)

	// Its pins are lost while tcpresume holds the program: a record of what is hardly there.
	check.Must(t, unix.Unmount("/run/bpfman/fs", unix.MNT_DETACH))
	m.goBpfman(t, "program", "list")
	s = m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionZombie)
	p = m.connect(t, true)
	check.Same(t, "beside the zombie", p.start(t), p.resumed(t, 100_000))
	m.goUnload(t, second)
	third := m.goLoad(t, image)
	m.up(t)
	check.Same(t, "attached", m.attachedProgram(t), third)
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionLoaded)
	check.Same(t, "stored paths", m.status(t).Paths["free"], 2)
	m.tcpresume(t, "down")
	m.goUnload(t, third)
}

// The watchers that this generation loads over the same maps are its own to attach.
func TestWatchersWithTheGoBpfman(t *testing.T) {
	m := goMachine(t).installed(t)
	image := m.goPush(t)
	first := m.goLoad(t, image)
	m.up(t)
	check.Same(t, "attached by tcpresume", watchersOf(m.status(t).Runtime.Watchers), "resume_watch+ resume_rst_out+ resume_rst_in+")
	owner := []string{"--map-owner-id", strconv.Itoa(int(first))}
	arguments := append([]string{"program", "load", "image", "--programs", program(watch), "-a", "tcpresume"}, owner...)
	m.goBpfman(t, append(arguments, image)...)
	m.up(t)
	check.Same(t, "left to bpfman", watchersOf(m.status(t).Runtime.Watchers), "resume_watch- resume_rst_out+ resume_rst_in+")
	check.Same(t, "attached program", m.attachedProgram(t), first)
	m.tcpresume(t, "down")
	for _, id := range strings.Fields(m.goBpfman(t, "program", "list", "-q")) {
		m.goBpfman(t, "program", "unload", id)
	}
}

// In a container of its own, as the operator runs it, bpfman shows nobody its
// pins: its gRPC names the programs and the kernel opens them by their ids.
func TestPinsOutOfSight(t *testing.T) {
	m := goMachine(t)
	image := m.goPush(t)
	check.Must(t, os.MkdirAll("/run/bpfman", 0o755))
	load := "$BPFMAN_GO program load image --programs " + program(decider) + " -a tcpresume " + image + " >/dev/null && "
	daemon := m.container(t, load+"exec $BPFMAN_GO serve")
	check.Eventually(t, patience, "the daemon's socket", func() bool { _, err := os.Stat(bpfman.DefaultSocket); return err == nil })
	m.up(t)
	s := m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionHidden)
	has(t, "found by", s.Bpfman.Detail, "gRPC on "+bpfman.DefaultSocket)
	check.Same(t, "maps to be seen", s.Bpfman.MapsDir, "")
	m.tcpresume(t, "policy", "set", "default", "--mode", "exact", "--sharing", "shared")
	m.tcpresume(t, "put", m.Client.IPv4.String(), "--cwnd", "100000")
	p := m.connect(t, false)
	check.Same(t, "resumed", p.start(t), p.resumed(t, 100_000))

	daemon.kill(t) // and with it all of its pins
	check.Must(t, os.Remove(bpfman.DefaultSocket))
	has(t, "detail", m.status(t).Bpfman.Detail, "no pins under /run/bpfman/fs")
	p.send(t, 500_000)
	daemon = m.container(t, "exec $BPFMAN_GO serve")
	check.Eventually(t, patience, "the daemon's socket", func() bool { _, err := os.Stat(bpfman.DefaultSocket); return err == nil })
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionZombie)
	p = m.connect(t, false)
	check.Same(t, "after the restart", p.start(t), p.resumed(t, 100_000))
	daemon.kill(t)
	m.tcpresume(t, "down")
}

// container runs a shell command in a mount namespace of its own, which dies with it.
func (m *machine) container(t testing.TB, script string) *service {
	t.Helper()
	s := &service{cmd: exec.Command("sh", "-c", script)}
	s.cmd.Stdout, s.cmd.Stderr = s, s
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	check.Must(t, m.Server.Do(s.cmd.Start))
	t.Cleanup(func() { _, _ = s.cmd.Process.Kill(), s.cmd.Wait() })
	return s
}

func (s *service) kill(t testing.TB) {
	t.Helper()
	check.Must(t, s.cmd.Process.Kill())
	_ = s.cmd.Wait()
	t.Logf("killed; it had said:\n%s", s.said.String())
}
