// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/moby/sys/mountinfo"
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
	if mount := hiddenBPFFS(); mount != "" {
		return fmt.Sprintf("%s; its pins are hidden by a second mount: \"umount %s\" shows them again, then \"tcpresume down\"", text, mount)
	}
	return text + "; its pins are nowhere to be seen from here: " + h.remedy()
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
	return "take it down by " + strings.Join(commands, ", ")
}

// heldElsewhere finds what is ours by name and is not pinned where opts says.
func heldElsewhere(opts Options) (held holding) {
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

// pinsDepth is how deep below the mount of a bpffs pins are looked for.
const pinsDepth = 3

// pinsElsewhere finds directories of pins in every bpffs of every mount
// namespace that a process lives in, other than those of opts.
func pinsElsewhere(opts Options) (found []string) {
	seen := map[fileID]bool{identify(opts.Pins): true}
	spaces := map[fileID]bool{}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range append([]string{"/proc/thread-self"}, processes...) {
		space := identify(filepath.Join(process, "ns/mnt"))
		if space == (fileID{}) || spaces[space] {
			continue
		}
		spaces[space] = true
		root := filepath.Join(process, "root")
		if process == "/proc/thread-self" {
			root = "/"
		}
		for _, mount := range bpffsMounts(process) {
			found = append(found, pinsBelow(filepath.Join(root, mount), seen)...)
		}
	}
	return found
}

func bpffsMounts(process string) (points []string) {
	file, err := os.Open(filepath.Join(process, "mountinfo"))
	if err != nil {
		return nil
	}
	defer file.Close()
	mounts, err := mountinfo.GetMountsFromReader(file, mountinfo.FSTypeFilter("bpf"))
	if err != nil {
		return nil
	}
	for _, mount := range mounts {
		points = append(points, mount.Mountpoint)
	}
	return points
}

func pinsBelow(top string, seen map[fileID]bool) (found []string) {
	if !onBPFFS(top) {
		return nil // hidden by another mount
	}
	_ = filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		if hasPins(path) {
			if id := identify(path); !seen[id] {
				seen[id] = true
				found = append(found, path)
			}
			return fs.SkipDir
		}
		if strings.Count(strings.TrimPrefix(path, top), "/") >= pinsDepth {
			return fs.SkipDir
		}
		return nil
	})
	return found
}

// hasPins reports whether a directory keeps a program or a congestion control of ours.
func hasPins(dir string) bool {
	pins := []string{linkPin(dir, sockopsLink)}
	for _, name := range wrapperNames() {
		pins = append(pins, linkPin(dir, name), wrapperPin(dir, name))
	}
	return slices.ContainsFunc(pins, func(pin string) bool {
		var stat unix.Stat_t
		return unix.Stat(pin, &stat) == nil
	})
}

// hiddenBPFFS is a mount point at which a bpffs is below another mount.
func hiddenBPFFS() string {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return ""
	}
	bpffs := make(map[string]bool)
	for _, mount := range mounts {
		if bpffs[mount.Mountpoint] {
			return mount.Mountpoint
		}
		if mount.FSType == "bpf" {
			bpffs[mount.Mountpoint] = true
		}
	}
	return ""
}

type fileID struct{ dev, ino uint64 }

// identify is zero for what is not there.
func identify(path string) fileID {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}
	}
	stat := info.Sys().(*syscall.Stat_t)
	return fileID{stat.Dev, stat.Ino}
}
