// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

const bpffsRoot = "/sys/fs/bpf"

// The rooms of a pin directory.
const (
	mapsDir     = "maps"
	linksDir    = "links"
	wrappersDir = "wrappers"
)

// MapsDir is where the maps of a pin directory are.
func MapsDir(pins string) string { return filepath.Join(pins, mapsDir) }

// ensureBPFFS mounts a bpffs at its usual place if the pins belong there and
// none is mounted; any other directory must already be on one.
func ensureBPFFS(pins string) (note string, err error) {
	parent := filepath.Dir(pins)
	if parent == bpffsRoot && !onBPFFS(bpffsRoot) {
		if err := unix.Mount("bpf", bpffsRoot, "bpf", 0, "mode=0700"); err != nil {
			return "", fmt.Errorf("mounting a bpffs on %s: %w; run as root, or mount it yourself", bpffsRoot, err)
		}
		note = "mounted a bpffs on " + bpffsRoot
	}
	if !onBPFFS(parent) {
		return note, fmt.Errorf("%s is not on a bpffs; mount one with \"mount -t bpf none %[1]s\", or choose another --pins", parent)
	}
	return note, nil
}

func onBPFFS(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.BPF_FS_MAGIC
}

// ensureDir makes a directory and takes it back on undo if it was not there.
func ensureDir(path string, undone *undo) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making pin directory: %w", err)
	}
	undone.add(func() error { return os.Remove(path) })
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// unhook removes the pin of a link. What the link holds is detached first: the
// kernel would do so only some time after the pin is gone, and who was told that
// it is gone might still meet it. Where a kind of link cannot be detached
// (struct_ops before Linux 6.11, tracepoints), it stays at that.
func unhook(pin string) error {
	if l, err := link.LoadPinnedLink(pin, nil); err == nil {
		_ = l.Detach()
		l.Close()
	}
	return removeIfThere(pin)
}
