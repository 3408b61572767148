// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/test/check"
)

const decider = "tcp_resume"

// laidOut loads one program and leaves everything below /run/bpfman as the Go
// generation of bpfman does: same library, names, owners and modes. It stands
// where the real one is not to be had; go_test.go has that.
func laidOut(t testing.TB, name string) (id uint32) {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	check.Must(t, err)
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	defer coll.Close()
	info, err := coll.Programs[name].Info()
	check.Must(t, err)
	kernelID, _ := info.ID()
	check.Must(t, os.MkdirAll("/run/bpfman/fs", 0o755))
	var fs unix.Statfs_t
	if check.Must(t, unix.Statfs("/run/bpfman/fs", &fs)); fs.Type != unix.BPF_FS_MAGIC {
		mount(t, "bpf", "/run/bpfman/fs", "mode=1777")
	}
	maps := mapsOf(uint32(kernelID))
	check.Must(t, os.MkdirAll(maps, 0o755))
	check.Must(t, coll.Programs[name].Pin(fmt.Sprintf("/run/bpfman/fs/prog_%d", kernelID)))
	for mapName, each := range coll.Maps {
		check.Must(t, each.Pin(filepath.Join(maps, mapName)))
	}
	return uint32(kernelID)
}

// unlaid removes what bpfman removes when it unloads.
func unlaid(t testing.TB, id uint32) {
	t.Helper()
	check.Must(t, os.RemoveAll(mapsOf(id)))
	check.Must(t, os.Remove(fmt.Sprintf("/run/bpfman/fs/prog_%d", id)))
}

// attachedProgram is the id of what the pinned link runs.
func (m *machine) attachedProgram(t testing.TB) uint32 {
	t.Helper()
	return m.status(t).Runtime.Program.ID
}

func TestProgramModeOnTheLayoutOfTheGoBpfman(t *testing.T) {
	m := newMachine(t)
	first := laidOut(t, decider)
	companion := laidOut(t, watch) // with maps of its own, as that generation shares none within a load
	m.up(t)
	check.Same(t, "attached is bpfman's own program", m.attachedProgram(t), first)
	m.put(t, mapsOf(first), "100000")
	old := m.connect(t, false)
	check.Same(t, "resumed", old.start(t), old.resumed(t, 100_000))

	m.tcpresume(t, "put", m.Client.IPv6.String(), "--cwnd", "100000", "--mode", "exact", "--sharing", "single")
	holder := m.connect(t, true)
	check.Same(t, "an entry for one", m.entry(t, m.Client.IPv6), "in-use")

	second := laidOut(t, decider)
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionNewer)
	m.up(t)
	check.Same(t, "attached", m.attachedProgram(t), second)
	p := m.connect(t, false)
	check.Same(t, "resumed by the second", p.start(t), p.resumed(t, 100_000))
	check.Same(t, "the entry for one, whose holder the new maps do not know", m.entry(t, m.Client.IPv6), "spent")
	holder.send(t, 300_000)
	unlaid(t, first)
	old.send(t, 1_000_000)

	unlaid(t, second) // while attached
	unlaid(t, companion)
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionUnloaded)
	p = m.connect(t, false)
	check.Same(t, "unloaded while attached", p.start(t), p.resumed(t, 100_000))
	m.tcpresume(t, "down")
}

// What bpfman lists must be ours, and what it pins must belong together.
func TestWhatDoesNotHoldGoodIsRefused(t *testing.T) {
	m := newMachine(t)
	right, other := laidOut(t, decider), laidOut(t, decider)
	for name, c := range map[string]struct {
		arguments []string
		code      int
		complaint string
	}{
		"no such program": {[]string{"--program-id", "999999999"}, 3, "no longer in the kernel"},
		"another program": {[]string{"--program-id", strconv.Itoa(int(strange(t)))}, 3, "not a program of tcpresume"},
		"maps of another generation": {[]string{"--program-id", strconv.Itoa(int(right)), "--maps", mapsOf(other)}, 3,
			"the pinned maps are not those of the program"},
		"no maps":                 {[]string{"--maps", t.TempDir()}, 3, "no program of tcpresume uses the maps"},
		"embedded and a program":  {[]string{"--runtime", "embedded", "--program-id", "1"}, 2, "--runtime embedded"},
		"a runtime of no meaning": {[]string{"--runtime", "docker"}, 2, "docker"},
	} {
		t.Run(name, func(t *testing.T) {
			a := m.try(t, append([]string{"up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--detach"}, c.arguments...)...)
			check.Same(t, "exit code", a.code, c.code)
			has(t, "complaint", a.complaint, c.complaint)
			if _, err := os.Stat("/sys/fs/bpf/tcpresume"); !os.IsNotExist(err) {
				t.Errorf("pins: %v", err)
			}
		})
	}
	// Named by its maps alone, the program that uses them is found.
	m.up(t, "--maps", mapsOf(right))
	check.Same(t, "attached", m.attachedProgram(t), right)
	m.tcpresume(t, "down")
}

// strange is a program that anybody may have loaded.
func strange(t testing.TB) ebpf.ProgramID {
	t.Helper()
	nothing := asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: decider, Type: ebpf.SocketFilter, License: "GPL", Instructions: nothing})
	check.Must(t, err)
	t.Cleanup(func() { prog.Close() })
	info, err := prog.Info()
	check.Must(t, err)
	id, _ := info.ID()
	return id
}
