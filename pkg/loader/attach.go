// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// sockopsLink is the name of the pinned link of the program that decides.
const sockopsLink = "sockops"

// attached is the link that is pinned, with where it is attached.
type attached struct {
	link.Link
	cgroupID  uint64 // 0: the cgroup is gone, and nothing new can happen in it
	programID ebpf.ProgramID
	id        link.ID
}

// openAttached returns nil if nothing is pinned.
func openAttached(pins string) (*attached, error) {
	l, err := link.LoadPinnedLink(linkPin(pins, sockopsLink), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening link %s: %w", linkPin(pins, sockopsLink), rights(err))
	}
	info, err := l.Info()
	if err != nil {
		l.Close()
		return nil, err
	}
	found := &attached{Link: l, programID: info.Program, id: info.ID}
	// Sockets that outlive their cgroup keep the attachment, where nobody can reach it.
	if cgroup := info.Cgroup(); cgroup != nil && !cgroupGone(cgroup.CgroupId) {
		found.cgroupID = cgroup.CgroupId
	}
	return found, nil
}

// attach puts the program on the cgroup, or in place of the one that runs there.
func attach(prog *ebpf.Program, cgroup string, running *attached, opts Options, undone *undo) error {
	pin := linkPin(opts.Pins, sockopsLink)
	if running != nil && running.cgroupID != 0 {
		return replace(prog, running, undone)
	}
	if running != nil {
		if err := running.Unpin(); err != nil {
			return err
		}
	}
	l, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup, Attach: ebpf.AttachCGroupSockOps, Program: prog})
	if errors.Is(err, unix.EPERM) {
		if foreign := exclusiveAttachment(cgroup, ebpf.AttachCGroupSockOps); foreign != nil {
			return foreign
		}
	}
	if err != nil {
		return fmt.Errorf("attaching to cgroup %s: %w", cgroup, rights(err))
	}
	defer l.Close()
	if err := l.Pin(pin); err != nil {
		return fmt.Errorf("pinning the link: %w", err)
	}
	undone.add(func() error { return unhook(pin) })
	return nil
}

func replace(prog *ebpf.Program, running *attached, undone *undo) error {
	old, err := ebpf.NewProgramFromID(running.programID)
	if err != nil {
		return fmt.Errorf("opening the running program: %w", rights(err))
	}
	if err := running.Update(prog); err != nil {
		old.Close()
		return fmt.Errorf("replacing the running program: %w", err)
	}
	undone.add(func() error { defer old.Close(); return running.Update(old) })
	return nil
}
