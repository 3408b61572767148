// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
)

// Condition says how tcpresume and bpfman stand to each other.
type Condition string

// What status and doctor show.
const (
	ConditionLoaded   Condition = "loaded"
	ConditionHidden   Condition = "loaded, pins out of sight" // in the mount namespace of bpfman's container
	ConditionUnloaded Condition = "unloaded"                  // tcpresume alone keeps it alive
	ConditionZombie   Condition = "zombie record"             // bpfman believes in what it has no pins of
	ConditionNewer    Condition = "newer generation"          // loaded, and not taken over yet
)

// Report is a condition in words, with the next step if there is one.
type Report struct {
	Condition Condition `json:"condition"`
	Program   uint32    `json:"program"`            // the one that is loaded now, 0 if none
	MapsDir   string    `json:"maps_dir,omitempty"` // where applications find the maps
	Detail    string    `json:"detail"`
	Next      string    `json:"next,omitempty"`
}

const nextUp = "\"tcpresume up --runtime bpfman\""

// Inspect compares what runs on bpfman's maps with what bpfman has loaded now.
func Inspect(ctx context.Context, state loader.State, opts Options) (Report, error) {
	opts = opts.filled()
	found, err := Find(ctx, opts)
	if errors.Is(err, ErrNothing) {
		return missing(state, err, opts), nil
	}
	if err != nil {
		return Report{}, err
	}
	defer found.Close()
	r := Report{Program: found.Origin.Program, MapsDir: found.MapsDir}
	visible := onBPFFS(bpffs(opts.Root))
	switch {
	case !stillLoaded(state, found):
		r.Condition = ConditionNewer
		r.Detail = fmt.Sprintf("bpfman has loaded program %d, and program %d is used: what is written through bpfman's pins reaches nobody", r.Program, state.Origin.Program)
		r.Next = nextUp + " moves over with everything that is stored"
	case pinMissing(opts, r.Program):
		r.Condition = ConditionZombie
		r.Detail = fmt.Sprintf("bpfman lists program %d, whose pins are gone; tcpresume alone keeps it alive, and a CSI volume cannot be made from it", r.Program)
		r.Next = "\"bpfman program unload " + fmt.Sprint(r.Program) + "\", load the image again, then " + nextUp
	case !visible:
		r.Condition = ConditionHidden
		r.Detail = fmt.Sprintf("program %d, found by %s; its pins are in bpfman's own mount namespace", r.Program, found.FoundBy)
	default:
		r.Condition = ConditionLoaded
		r.Detail = fmt.Sprintf("program %d, found by %s", r.Program, found.FoundBy)
	}
	if state.Origin.OtherBuild && r.Next == "" {
		r.Detail += ", of an image of another build: the program of this tcpresume runs over its maps"
		r.Next = "load the image of this version in bpfman; bpfman-operator does not when an image changes: \"manifests/upgrade.sh DIR\" does (docs/kubernetes.md)"
	}
	return r, nil
}

func missing(state loader.State, err error, opts Options) Report {
	r := Report{Condition: ConditionUnloaded, Next: "load the image again in bpfman and run " + nextUp + ", or take it away with \"tcpresume down\""}
	r.Detail = fmt.Sprintf("bpfman no longer has program %d; connections and stored paths live on with what tcpresume holds", state.Origin.Program)
	if !onBPFFS(bpffs(opts.Root)) {
		r.Detail += "; no pins under " + bpffs(opts.Root) + ": bpfman is not there, has lost its bpffs, or keeps it in a mount namespace of its own"
		r.Next = "if bpfman still lists it, name it: \"tcpresume up --runtime bpfman --program-id N\"; otherwise " + r.Next
	}
	return r
}

// sameMaps is nil if the maps in use are these.
func sameMaps(pins string, theirs mapSet) error {
	for name, m := range theirs {
		ours, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(pins), name), nil)
		if err != nil {
			return err
		}
		have, want := mapID(ours), mapID(m)
		ours.Close()
		if have != want {
			return fmt.Errorf("%w: %s is map %d here, %d there", ErrMismatch, name, have, want)
		}
	}
	return nil
}

// CheckMaps compares a directory of pinned maps, such as a CSI volume, with the
// maps in use. ErrMismatch: what is written there reaches nobody.
func CheckMaps(dir, pins string) error {
	for _, name := range []string{bytecode.KernelMapResumePaths, bytecode.KernelMapResumePolicy} {
		theirs, err := ebpf.LoadPinnedMap(filepath.Join(dir, name), nil)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = sameMaps(pins, mapSet{name: theirs})
		theirs.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
