// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
)

// anotherIsUp tells whether a tcpresume is attached somewhere that works on
// other maps than ours. What is registered under our names is then in use, not
// left by a crash; only on a link does the kernel protect it by itself.
func anotherIsUp(ours mapSet) bool {
	id, err := mapID(ours[bytecode.KernelMapResumeConns])
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		info, failed := links.Link.Info()
		if failed != nil || info.Cgroup() == nil {
			continue
		}
		uses, ours := usedMaps(info.Program)
		if ours && !(err == nil && slices.Contains(uses, id)) {
			return true
		}
	}
	return false
}

// usedMaps are those of a program that is tcpresume's by name.
func usedMaps(id ebpf.ProgramID) (maps []ebpf.MapID, ours bool) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return nil, false
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil || prog.Type() != ebpf.SockOps || info.Name != bytecode.KernelProgTcpResume {
		return nil, false
	}
	maps, _ = info.MapIDs()
	return maps, true
}
