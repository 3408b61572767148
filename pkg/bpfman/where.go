// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// mapsDirs are the directories, of those that may hold the program's pinned
// maps, that can be seen from here.
func (p *program) mapsDirs(root string) []string {
	var dirs []string
	for _, dir := range []string{p.MapsDir, mapsDir(root, p.ID)} {
		if dir == "" || slices.Contains(dirs, dir) {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, bytecode.KernelMapResumePaths)); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// userOf finds the program of ours that uses the maps pinned in a directory; 0
// if there is none or no right to look.
func userOf(dir string) uint32 {
	paths, err := ebpf.LoadPinnedMap(filepath.Join(dir, bytecode.KernelMapResumePaths), nil)
	if err != nil {
		return 0
	}
	defer paths.Close()
	wanted := mapID(paths)
	best := (*program)(nil)
	for _, p := range kernelPrograms() {
		if slices.Contains(p.maps, wanted) && (best == nil || p.mode > best.mode) {
			best = p
		}
		p.Close()
	}
	if best == nil {
		return 0
	}
	return best.ID
}

// kernelPrograms opens every program of ours, whoever has loaded it.
func kernelPrograms() []*program {
	var all []*program
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return all
		}
		id = next
		prog, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue
		}
		p := &program{Program: prog, Claim: Claim{ID: uint32(id)}}
		if p.identify() != nil {
			prog.Close()
			continue
		}
		all = append(all, p)
	}
}
