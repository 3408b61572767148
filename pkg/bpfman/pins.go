// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The places below bpfman's runtime directory, the same in both generations.
func bpffs(root string) string { return filepath.Join(root, "fs") }
func programPin(root string, id uint32) string {
	return filepath.Join(bpffs(root), fmt.Sprintf("prog_%d", id))
}
func mapsDir(root string, id uint32) string {
	return filepath.Join(bpffs(root), "maps", fmt.Sprint(id))
}

// pins scans what is pinned: it needs neither a daemon nor a command.
type pins struct{ root string }

func (p pins) String() string { return "the pins in " + bpffs(p.root) }

func (p pins) Claims(context.Context) ([]Claim, error) {
	if !onBPFFS(bpffs(p.root)) {
		return nil, fmt.Errorf("%w: no bpffs on %s", ErrAbsent, bpffs(p.root))
	}
	found, err := filepath.Glob(filepath.Join(bpffs(p.root), "prog_*"))
	if err != nil {
		return nil, err
	}
	var claims []Claim
	for _, pin := range found {
		id, err := strconv.ParseUint(strings.TrimPrefix(filepath.Base(pin), "prog_"), 10, 32)
		if err != nil {
			continue // not a name that bpfman gives
		}
		claims = append(claims, Claim{ID: uint32(id), MapsDir: mapsDir(p.root, uint32(id))})
	}
	return claims, nil
}

func onBPFFS(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.BPF_FS_MAGIC
}
