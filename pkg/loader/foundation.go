// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// Foundation is what a program manager has loaded and tcpresume stands on: its
// maps, and in program mode the program that decides.
type Foundation struct {
	Origin
	Maps    map[string]*ebpf.Map // by name; socket storages may be missing, which are then ours
	Program *ebpf.Program        // the one that Origin names
}

// Mode is what of ours a program manager has loaded.
type Mode string

// In ModeProgram the manager loaded the sockops program, in ModeCompanion a
// tracepoint program of the same object, over whose maps ours is loaded.
const (
	ModeProgram   Mode = "program"
	ModeCompanion Mode = "companion"
)

// Origin names the manager's program that a loaded tcpresume stands on.
type Origin struct {
	Manager string `json:"manager"` // "bpfman"
	Mode    Mode   `json:"mode"`
	Program uint32 `json:"program"` // its id when it was adopted
	Tag     string `json:"tag"`

	OtherBuild bool `json:"other_build"` // than the tcpresume that stands on it
}

// otherBuild behind the tag, which earlier versions only show, is for OtherBuild.
const otherBuild = "-other"

// originLink is a symbolic link among the pins whose target spells an Origin:
// a bpffs takes no files, and what is written elsewhere would outlive the pins.
const originLink = "origin"

// ReadOrigin returns nil for a tcpresume that stands on its own maps.
func ReadOrigin(pins string) (*Origin, error) {
	text, err := os.Readlink(filepath.Join(cmp.Or(pins, DefaultPins), originLink))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	words := strings.Split(text, "/")
	if len(words) != 4 {
		return nil, fmt.Errorf("%s points to %q, which no version of tcpresume wrote; \"tcpresume up\" sets it anew", originLink, text)
	}
	id, err := strconv.ParseUint(words[2], 10, 32)
	tag, other := strings.CutSuffix(words[3], otherBuild)
	return &Origin{Manager: words[0], Mode: Mode(words[1]), Program: uint32(id), Tag: tag, OtherBuild: other}, err
}

func writeOrigin(pins string, origin *Origin, undone *undo) error {
	before, err := ReadOrigin(pins)
	if err != nil {
		before = nil // it is replaced
	}
	if err := setOrigin(pins, origin); err != nil {
		return err
	}
	undone.add(func() error { return setOrigin(pins, before) })
	return nil
}

func setOrigin(pins string, origin *Origin) error {
	at := filepath.Join(pins, originLink)
	if origin == nil {
		return removeIfThere(at)
	}
	fresh := at + "-new"
	if err := removeIfThere(fresh); err != nil {
		return err
	}
	text := fmt.Sprintf("%s/%s/%d/%s", origin.Manager, origin.Mode, origin.Program, origin.Tag)
	if origin.OtherBuild {
		text += otherBuild
	}
	if err := os.Symlink(text, fresh); err != nil {
		return fmt.Errorf("recording whose maps these are: %w", rights(err))
	}
	return os.Rename(fresh, at)
}

func (f *Foundation) brings(name string) bool {
	return f != nil && f.Maps[name] != nil
}

// program chooses what is attached: the manager's program where it is exactly
// ours, and otherwise our own over the manager's maps.
func (f *Foundation) program(coll *ebpf.Collection, r *Runtime) (*ebpf.Program, error) {
	ours := coll.Programs[bytecode.KernelProgTcpResume]
	if f == nil {
		return ours, nil
	}
	twin := ours
	if f.Mode == ModeCompanion {
		twin = coll.Programs[bytecode.KernelProgResumeWatch]
	}
	same, err := equalTags(f.Program, twin)
	if err != nil {
		return nil, err
	}
	f.OtherBuild = !same
	switch {
	case !same:
		r.note(fmt.Sprintf("%s loaded program %d from an image of another build; this tcpresume's own program runs over its maps until the matching image is loaded", f.Manager, f.Origin.Program))
		f.Mode = ModeCompanion
		return ours, nil
	case f.Mode == ModeProgram:
		return f.Program, nil
	}
	return ours, nil
}

func equalTags(a, b *ebpf.Program) (bool, error) {
	infoA, err := a.Info()
	if err != nil {
		return false, err
	}
	infoB, err := b.Info()
	if err != nil {
		return false, err
	}
	return infoA.Tag == infoB.Tag, nil
}
