// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// ErrForeign is wrapped by errors about a program that tolerates no other.
var ErrForeign = errors.New("another program is attached exclusively")

// Attachment is a program on a cgroup.
type Attachment struct {
	Cgroup  string
	Program ebpf.ProgramID
	Name    string
	ByLink  bool // attached by a bpf_link, which always tolerates others
	Above   bool // on a cgroup above the one that was asked about

	// Overridable ones stop running for a cgroup below once that has a program of its own.
	Overridable bool
	// Exclusive ones keep any other from being attached to the cgroup that was asked about.
	Exclusive bool

	flags uint32 // of the attachment to the cgroup

	Owner string // processes that hold it open, as far as they can be seen
}

func (a Attachment) String() string {
	text := fmt.Sprintf("program %q (id %d) on %s", a.Name, a.Program, a.Cgroup)
	if a.Owner != "" {
		text += ", held by " + a.Owner
	}
	return text
}

// attachments lists the programs of one kind of a cgroup and of all above it.
func attachments(cgroup string, attach ebpf.AttachType) ([]Attachment, error) {
	id, err := cgroupID(cgroup)
	if err != nil {
		return nil, err
	}
	if whole := cgroupPath(id); whole != "" { // a link to it, or a mount of a part, hides what is above
		cgroup = whole
	}
	var found []Attachment
	for dir := cgroup; isCgroup(dir); dir = filepath.Dir(dir) {
		here, err := attachedTo(dir, attach)
		if err != nil {
			return nil, err
		}
		for i := range here {
			a := &here[i]
			a.Above = dir != cgroup
			a.Exclusive = a.flags&unix.BPF_F_ALLOW_MULTI == 0 && !(a.Above && a.Overridable)
		}
		found = append(found, here...)
	}
	return found, nil
}

func attachedTo(dir string, attach ebpf.AttachType) ([]Attachment, error) {
	handle, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	result, err := link.QueryPrograms(link.QueryOptions{Target: int(handle.Fd()), Attach: attach})
	if err != nil {
		return nil, fmt.Errorf("asking for the programs of %s: %w", dir, rights(err))
	}
	flags := uint32(0)
	if len(result.Programs) > 0 {
		if flags, err = attachFlags(int(handle.Fd()), attach); err != nil {
			return nil, fmt.Errorf("asking how the programs of %s are attached: %w", dir, rights(err))
		}
	}
	linked := linkedPrograms()
	var found []Attachment
	for _, p := range result.Programs {
		a := Attachment{Cgroup: dir, Program: p.ID, ByLink: linked[p.ID], Owner: programOwners(p.ID), Overridable: flags&unix.BPF_F_ALLOW_OVERRIDE != 0, flags: flags}
		if prog, err := ebpf.NewProgramFromID(p.ID); err == nil {
			if info, err := prog.Info(); err == nil {
				a.Name = info.Name
			}
			prog.Close()
		}
		found = append(found, a)
	}
	return found, nil
}

// linkedPrograms are the programs that some bpf_link attaches: cgroup queries do not tell.
func linkedPrograms() map[ebpf.ProgramID]bool {
	linked := make(map[ebpf.ProgramID]bool)
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		if info, err := links.Link.Info(); err == nil {
			linked[info.Program] = true
		}
	}
	return linked
}

// exclusiveAttachment explains a refused attachment: without flags, the legacy
// way of attaching shuts out every other program there and below.
func exclusiveAttachment(cgroup string, attach ebpf.AttachType) error {
	all, err := attachments(cgroup, attach)
	if err != nil {
		return nil
	}
	for _, a := range all {
		if a.Exclusive {
			return fmt.Errorf("%w: %s; detach it (bpftool cgroup detach %s %s id %d) or have it attached with BPF_F_ALLOW_MULTI or by a link", ErrForeign, a, a.Cgroup, bpftoolName(attach), a.Program)
		}
	}
	return nil
}

// bpftoolName is what bpftool calls a kind of attachment.
func bpftoolName(attach ebpf.AttachType) string {
	switch attach {
	case ebpf.AttachCGroupSetsockopt:
		return "cgroup_setsockopt"
	case ebpf.AttachCGroupGetsockopt:
		return "cgroup_getsockopt"
	}
	return "sock_ops"
}

// programOwners names the processes that hold a program, by the descriptors they have open.
func programOwners(id ebpf.ProgramID) string {
	want := fmt.Sprintf("prog_id:\t%d\n", id)
	infos, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	seen := make(map[string]bool)
	var owners []string
	for _, path := range infos {
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), want) {
			continue
		}
		pid := strings.Split(path, "/")[2]
		if seen[pid] {
			continue
		}
		seen[pid] = true
		comm, _ := os.ReadFile("/proc/" + pid + "/comm")
		owners = append(owners, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(comm)), pid))
	}
	return strings.Join(owners, ", ")
}
