// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

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
