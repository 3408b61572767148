// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
)

// fullDisk is a disk on which there is no byte left and, if inodes is set, no
// file can be made either. free makes room again.
func fullDisk(t *testing.T, inodes bool) (dir string, free func()) {
	t.Helper()
	dir = t.TempDir()
	check.Must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,nr_inodes=8"))
	t.Cleanup(func() { check.Must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	ballast := []string{filepath.Join(dir, "ballast")}
	err := os.WriteFile(ballast[0], make([]byte, 128<<10), 0o600)
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	for i := 0; inodes; i++ {
		name := filepath.Join(dir, string(rune('a'+i)))
		file, err := os.Create(name)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		check.Must(t, err)
		file.Close()
		ballast = append(ballast, name)
	}
	return dir, func() {
		for _, name := range ballast {
			check.Must(t, os.Remove(name))
		}
	}
}

// An agent needs no byte of the disk that its sockets are on.
func TestDiskFull(t *testing.T) {
	s := newSite(t, "disk full, below the sockets and where `dump` and `image build` write", 0)
	disk, free := fullDisk(t, false)
	s.sockets = filepath.Join(disk, "run")
	a := s.agent(t)
	reports := startReporting(s)
	defer reports.stop()
	check.Eventually(t, patience, "reports are answered", func() bool { return reports.answered.Load() > 100 })
	a.Kill()
	s.row.Times++
	s.check(t)
	a = s.agent(t)
	before := reports.answered.Load()
	check.Eventually(t, patience, "reports are answered by the next agent", func() bool { return reports.answered.Load() > before })

	dump := s.command("dump")
	file, err := os.Create(filepath.Join(disk, "dump"))
	check.Must(t, err)
	defer file.Close()
	var said strings.Builder
	dump.Stdout, dump.Stderr = file, &said
	if err := dump.Run(); err == nil || !strings.Contains(said.String(), "no space left") {
		t.Errorf("dump to a full disk: %v, %q", err, said.String())
	}
	s.row.Times++
	check.Must(t, os.Remove(file.Name()))

	if code, said := s.run(t, "image", "build", filepath.Join(disk, "image")); code != 1 || !strings.Contains(said, "no space left") {
		t.Errorf("image build on a full disk: exit %d, %s", code, said)
	}
	s.row.Times++
	if _, err := os.Stat(filepath.Join(disk, "image")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half of an image is left: %v", err)
	}
	s.keep(reports.stop())
	s.check(t)
	check.Must(t, a.Stop())
	free()
	s.check(t)
}

// Where not even a socket can be made, the agent says what is missing, and
// begins once there is room.
func TestNoInodesLeft(t *testing.T) {
	s := newSite(t, "no inode left below the sockets", 0)
	disk, free := fullDisk(t, true)
	s.sockets = filepath.Join(disk, "run")
	for range 5 {
		if code, said := s.run(t, "agent"); code != 1 || !strings.Contains(said, "no space left") || !strings.Contains(said, s.sockets) {
			t.Errorf("exit %d, %s", code, said)
		}
		s.row.Times++
		s.check(t)
	}
	free()
	check.Must(t, s.agent(t).Stop())
	s.row.Cost = "the agent ends with the reason; the next one begins once there is room"
}
