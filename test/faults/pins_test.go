// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// waits waits until an agent says that it has no maps. It goes on.
func (s *site) waits(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "the agent waits for maps", func() bool {
		_, err := client.Send(t.Context(), s.sockets, report1(0))
		var refused *client.Refused
		return errors.As(err, &refused) && refused.Reason == "waiting"
	})
}

// takesUp waits until the agent stores reports again.
func (s *site) takesUp(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "the agent has taken up the maps", func() bool {
		answer, err := client.Send(t.Context(), s.sockets, report1(0))
		return err == nil && answer.Stored == 1
	})
}

// What the running program uses is not lost with its name: "up" pins it again.
func TestMapsUnpinned(t *testing.T) {
	s := newSite(t, "pins of the maps removed, one and all of them; then `up`", 0)
	maps := append([]string{"*"}, pathstore.Maps...)
	a := s.agent(t)
	for _, pattern := range maps {
		found, err := filepath.Glob(filepath.Join(loader.MapsDir(loader.DefaultPins), pattern))
		check.Must(t, err)
		for _, pin := range found {
			check.Must(t, os.Remove(pin))
		}
		s.row.Times++
		before := s.load.opened.Load()
		check.Eventually(t, patience, "connections go on", func() bool { return s.load.opened.Load() > before+50 })
		if _, err := os.Stat(filepath.Join(loader.MapsDir(loader.DefaultPins), bytecode.KernelMapResumeEvents)); err != nil {
			s.waits(t) // by this map it tells whether its maps are the pinned ones
		}
		known := s.held
		s.up(t)
		s.takesUp(t)
		s.held.links = known.links
		s.check(t)
	}
	check.Must(t, a.Stop())
	s.row.Cost = "reports are refused as `waiting` until `up` has pinned them again"
}

// Pins are what keeps programs in the kernel. Without any the next connections
// start as without tcpresume, and those that resume go on.
func TestPinsRemoved(t *testing.T) {
	s := newSite(t, "all pins removed (`rm -r /sys/fs/bpf/tcpresume`); then `up`", 0)
	s.loses(t, func() { check.Must(t, os.RemoveAll(loader.DefaultPins)) })
}

func TestBPFFSUnmounted(t *testing.T) {
	s := newSite(t, "bpffs unmounted (`umount -l`), nobody else has it mounted; then `up`", 0)
	s.loses(t, func() { unmount(t) })
}

// unmount takes away what is mounted there, and what the machine has below.
func unmount(t *testing.T) {
	t.Helper()
	check.Must(t, unix.Unmount("/sys/fs/bpf", unix.MNT_DETACH))
	for unix.Unmount("/sys/fs/bpf", unix.MNT_DETACH) == nil {
	}
}

// An agent under systemd has mounts of its own, and with them the pins.
func TestBPFFSUnmountedHere(t *testing.T) {
	s := newSite(t, "bpffs unmounted, while an agent with mounts of its own (as under systemd) keeps it", 0)
	store := s.open(t)
	defer store.Close()
	for range 3 {
		cmd := exec.Command("unshare", "--mount", "--propagation", "private", program, "agent", "--pins", loader.DefaultPins, "--socket-dir", s.sockets)
		a, err := rig.StartAgentBy(cmd, s.sockets)
		check.Must(t, err)
		unmount(t)
		s.row.Times++
		there := fmt.Sprintf("/proc/%d/root%s", a.Process.Pid, loader.DefaultPins)
		goal := counter(t, store, "resumed") + uint64(len(s.load.ports))
		check.Eventually(t, patience, "new connections resume", func() bool { return counter(t, store, "resumed") >= goal })
		if code, said := s.run(t, "up", "--detach"); code != 1 || !strings.Contains(said, "another tcpresume is up under other pins") {
			t.Errorf("up: exit %d, %s", code, said)
		}
		if code, said := s.run(t, "status", "--pins", there); code != 0 {
			t.Errorf("status over the agent's mounts: exit %d, %s", code, said)
		}
		s.row.Lost += s.missingIn(t, loader.MapsDir(there))
		if code, said := s.run(t, "down", "--pins", there); code != 0 {
			t.Errorf("down over the agent's mounts: exit %d, %s", code, said)
		}
		check.Must(t, a.Stop())
		store.Close()
		s.up(t)
		s.fill(t, keptPaths)
		store = s.open(t)
	}
	s.row.Paths *= s.row.Times
	s.row.Cost = "`status`, `down` and the rest need `--pins /proc/PID/root/sys/fs/bpf/tcpresume`, by the agent's PID"
}

func (s *site) loses(t *testing.T, breaks func()) {
	a := s.agent(t)
	for range 5 {
		before := s.load.opened.Load()
		breaks()
		s.row.Times++
		s.waits(t)
		check.Eventually(t, patience, "connections go on", func() bool { return s.load.opened.Load() > before+50 })
		check.Eventually(t, patience, "nothing is left in the kernel", func() bool { return len(s.held.links) == 0 || len(s.held.linked()) == 0 })
		if code, said := s.run(t, "status"); code != 3 {
			t.Errorf("status: exit %d, %s", code, said)
		}
		s.up(t)
		s.takesUp(t)
		s.row.Lost += s.missing(t)
		s.fill(t, keptPaths)
		s.check(t)
	}
	check.Must(t, a.Stop())
	s.row.Paths *= s.row.Times
	s.row.Cost = "paths are in the kernel's memory only: they go with the last pin (`dump` saves them); connections start cold until `up`"
}
