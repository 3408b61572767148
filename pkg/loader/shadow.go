// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// shadowed are the programs above a cgroup that stop running for it once ours is
// there. One that was attached with BPF_F_ALLOW_OVERRIDE gives way to any below,
// and the kernel says nothing. Found must be the attachments of the cgroup and
// of those above, as attachments returns them.
func shadowed(found []Attachment, ours func(Attachment) bool) (hidden []Attachment) {
	others := 0 // that run there without ours
	for i := 0; i < len(found); {
		here := i
		for ; i < len(found) && found[i].Cgroup == found[here].Cgroup; i++ {
		}
		theirs := 0
		for _, a := range found[here:i] {
			if !ours(a) {
				theirs++
			}
		}
		if found[here].Above && found[here].Overridable && others == 0 {
			hidden = append(hidden, found[here:i]...)
		}
		others += theirs
	}
	return hidden
}

// shadowNotes tell of the programs that ours has put out of work. Whoever may
// attach may ask: an error is that of a removal meanwhile, after which there are none.
func shadowNotes(cgroup string, attach ebpf.AttachType) (notes []string) {
	found, _ := attachments(cgroup, attach)
	for _, a := range shadowed(found, ownAttachment) {
		notes = append(notes, shadowNote(a, cgroup)+"; "+shadowRemedy)
	}
	return notes
}

func ownAttachment(a Attachment) bool {
	return slices.Contains([]string{bytecode.KernelProgTcpResume, bytecode.AskProgTcpAsk, bytecode.AskProgTcpAnswer}, a.Name)
}

func shadowNote(a Attachment, cgroup string) string {
	return fmt.Sprintf("%s, attached with BPF_F_ALLOW_OVERRIDE, does not run for the connections of %s while tcpresume is attached there", a, cgroup)
}

const shadowRemedy = "have it attached with BPF_F_ALLOW_MULTI or by a link: then both run"

// attachFlags are those of all programs of one kind on a cgroup: whether they
// tolerate others there, or give way to one below. cilium/ebpf does not tell
// what BPF_PROG_QUERY returns of them.
func attachFlags(cgroupFD int, attachType ebpf.AttachType) (uint32, error) {
	attr := struct {
		target, attachType, queryFlags, attachFlags uint32
		programs                                    uint64
		count                                       uint32
		_                                           [9]uint32
	}{target: uint32(cgroupFD), attachType: uint32(attachType)}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_QUERY, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, errno
	}
	return attr.attachFlags, nil
}
