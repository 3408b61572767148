// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// holding is what the kernel has of a tcpresume whose pins are not ours.
type holding struct {
	names []string     // congestion controls that are registered; one for the whole kernel, they keep any other from coming up
	links []link.ID    // of the program, and of congestion controls
	maps  []ebpf.MapID // of congestion controls that are registered without a link
}

func (h holding) nothing() bool { return len(h.names)+len(h.links) == 0 }

// explain says what it is and how to take it down.
func (h holding) explain(opts Options) string {
	what := strings.Join(h.names, ", ")
	if what == "" {
		what = "its program attached"
	}
	text := "another tcpresume is up under other pins, with " + what
	if found := pinsElsewhere(opts); len(found) > 0 {
		commands := make([]string, len(found))
		for i, pins := range found {
			commands[i] = fmt.Sprintf("\"tcpresume down --pins %s\"", pins)
		}
		return text + "; take it down by " + strings.Join(commands, ", ")
	}
	text += "; its pins are nowhere to be seen from here"
	if mount := hiddenBPFFS(); mount != "" {
		text += fmt.Sprintf(", a second mount may hide them: \"umount %s\" shows what it hides, then \"tcpresume down\"; without pins", mount)
	}
	return text + ": " + h.remedy() + "; or take it over, with its paths and connections: \"tcpresume up --adopt\""
}

// remedy takes things down by their ids, which needs no pins.
func (h holding) remedy() string {
	var commands []string
	for _, id := range h.links {
		commands = append(commands, fmt.Sprintf("\"bpftool link detach id %d\"", id))
	}
	for _, id := range h.maps {
		commands = append(commands, fmt.Sprintf("\"bpftool struct_ops unregister id %d\"", id))
	}
	if len(commands) == 0 {
		return "end the process that holds it, or boot anew"
	}
	return reachable("take it down by ", "take it down on the node by ") + strings.Join(commands, ", ")
}

// heldElsewhere finds what is ours by name and is not pinned where opts says. A
// name that nothing holds is that of a Down a moment ago, which the kernel is
// about to give up.
func heldElsewhere(opts Options) holding {
	for end := time.Now().Add(freedWithin); ; time.Sleep(freedWithin / 200) {
		held := lookElsewhere(opts)
		if len(held.names) == 0 || len(held.links)+len(held.maps) > 0 || time.Now().After(end) {
			return held
		}
	}
}

func lookElsewhere(opts Options) (held holding) {
	for _, w := range wrappers {
		there, err := congestionControl(w.name)
		if err != nil || !there {
			continue
		}
		if by, err := pinnedBy(opts, w.name); err == nil && by == "" {
			held.names = append(held.names, w.name)
			for m := range structOpsMaps(w.name) {
				if id, err := mapID(m); err == nil && !linkedMap(m) {
					held.maps = append(held.maps, id)
				}
			}
		}
	}
	own := make(map[link.ID]bool)
	for _, name := range append([]string{sockopsLink}, wrapperNames()...) {
		l, err := link.LoadPinnedLink(linkPin(opts.Pins, name), nil)
		if err != nil {
			continue
		}
		if info, err := l.Info(); err == nil {
			own[info.ID] = true
		}
		l.Close()
	}
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		info, err := links.Link.Info()
		if err != nil || own[info.ID] {
			continue
		}
		if info.Type == link.StructOpsType && slices.Contains(held.names, mapName(structOpsMap(links.Link))) {
			held.links = append(held.links, info.ID)
		}
		if cgroup := info.Cgroup(); cgroup != nil && cgroup.CgroupId != 0 {
			if _, ours := usedMaps(info.Program); ours {
				held.links = append(held.links, info.ID)
			}
		}
	}
	return held
}

func wrapperNames() (names []string) {
	for _, w := range wrappers {
		names = append(names, w.name)
	}
	return names
}

// structOpsMap is what a link registers, which cilium/ebpf does not tell; 0 if it cannot be known.
func structOpsMap(l link.Link) ebpf.MapID {
	held, ok := l.(interface{ FD() int })
	if !ok {
		return 0
	}
	info := new(struct {
		kind, id, program, _ uint32
		mapID                uint32
		_                    [11]uint32
	})
	var pinned runtime.Pinner // the kernel is given a number
	pinned.Pin(info)
	defer pinned.Unpin()
	attr := struct {
		fd, size uint32
		info     uint64
	}{uint32(held.FD()), uint32(unsafe.Sizeof(*info)), uint64(uintptr(unsafe.Pointer(info)))}
	if _, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_OBJ_GET_INFO_BY_FD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr)); errno != 0 {
		return 0
	}
	return ebpf.MapID(info.mapID)
}

func linkedMap(m *ebpf.Map) bool {
	info, err := m.Info()
	return err == nil && info.Flags&bpfFLink != 0
}

func mapName(id ebpf.MapID) string {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return ""
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return ""
	}
	return info.Name
}
