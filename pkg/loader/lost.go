// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
)

// adoptLost pins, under opts.Pins, the links of a tcpresume whose own pins no
// mount leads to any more, as after its bpffs was unmounted lazily while a process
// kept it. They are known by the names and kernel types of their programs and
// maps. What then runs is replaced in place, like any other version. Pins that
// can be reached are another's: nothing is taken from there.
func adoptLost(opts Options, undone *undo) (adopted bool, err error) {
	if len(pinsElsewhere(opts)) > 0 {
		return false, nil
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		name := ""
		switch info, err := links.Link.Info(); {
		case err != nil:
			continue
		case info.Type == link.StructOpsType:
			name = mapName(structOpsMap(links.Link))
			if !slices.Contains(wrapperNames(), name) {
				continue
			}
		case info.Cgroup() != nil && info.Cgroup().CgroupId != 0 && !cgroupGone(info.Cgroup().CgroupId):
			if _, ours := usedMaps(info.Program); !ours || adopted {
				continue
			}
			name = sockopsLink
		case info.Type == link.PerfEventType && opts.Over == nil: // a manager's are its own
			if name = watcherName(info.Program); name == "" {
				continue
			}
		default:
			continue
		}
		pin := linkPin(opts.Pins, name)
		if err := links.Link.Pin(pin); err != nil {
			return adopted, fmt.Errorf("pinning link %s of what lost its pins: %w", name, rights(err))
		}
		undone.add(func() error { return removeIfThere(pin) })
		adopted = adopted || name == sockopsLink
	}
	return adopted, nil
}

// watcherName is empty for programs that are no watcher of ours.
func watcherName(id ebpf.ProgramID) string {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return ""
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil || !slices.Contains(watchers, info.Name) {
		return ""
	}
	maps, _ := info.MapIDs()
	for _, id := range maps {
		if mapName(id) == bytecode.KernelMapResumeStats {
			return info.Name
		}
	}
	return ""
}
