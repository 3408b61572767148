// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Inspect reads what is in the kernel. Nothing loaded is pathstore.ErrNotLoaded.
func Inspect(opts Options) (State, error) {
	opts = opts.filled()
	state := State{Pins: opts.Pins, ServedBy: lockHolder(opts.Pins)}
	running, err := openAttached(opts.Pins)
	if err != nil {
		return state, err
	}
	if running == nil {
		return state, fmt.Errorf("%w: nothing is pinned under %s; run \"tcpresume up\"", pathstore.ErrNotLoaded, opts.Pins)
	}
	defer running.Close()
	if state.Origin, err = ReadOrigin(opts.Pins); err != nil {
		return state, err
	}
	state.CgroupID = running.cgroupID
	if running.cgroupID != 0 {
		state.Cgroup = cgroupPath(running.cgroupID)
	}
	if state.Program, err = inspectProgram(running); err != nil {
		return state, err
	}
	if err := state.inspectMaps(opts); err != nil {
		return state, err
	}
	if err := state.inspectWatchers(opts); err != nil {
		return state, err
	}
	return state, state.inspectWrappers(opts)
}

func inspectProgram(running *attached) (Program, error) {
	found := Program{ID: uint32(running.programID), LinkID: uint32(running.id)}
	if running.cgroupID == 0 {
		return found, nil // the program went with its cgroup
	}
	prog, err := ebpf.NewProgramFromID(running.programID)
	if err != nil {
		return found, fmt.Errorf("opening the attached program: %w", rights(err))
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return found, err
	}
	found.Name, found.Tag = info.Name, info.Tag
	if loaded, ok := info.LoadTime(); ok {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err == nil {
			found.Age = time.Duration(now.Nano()) - loaded
		}
	}
	return found, nil
}

func (s *State) inspectMaps(opts Options) error {
	pins, err := filepath.Glob(filepath.Join(MapsDir(opts.Pins), "*"))
	if err != nil {
		return err
	}
	for _, pin := range pins {
		m, err := ebpf.LoadPinnedMap(pin, nil)
		if err != nil {
			return fmt.Errorf("opening map %s: %w", pin, rights(err))
		}
		if info, err := m.Info(); err == nil {
			if bytes, ok := info.Memlock(); ok {
				s.MapBytes += bytes
			}
		}
		switch filepath.Base(pin) {
		case bytecode.KernelMapResumePaths:
			s.MaxPaths = m.MaxEntries()
		case bytecode.KernelMapResumeControl:
			var control bytecode.KernelResumeControl
			if err := m.Lookup(uint32(0), &control); err == nil {
				s.Outdated = control.Build != bytecode.Build()
			}
		}
		m.Close()
	}
	return nil
}

func (s *State) inspectWrappers(opts Options) error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	s.StructOps = haveStructOps(kernel)
	for _, w := range wrappers {
		found := Wrapper{Name: w.name, CC: w.cc}
		pinned, err := pinnedBy(opts, w.name)
		if err != nil {
			return err
		}
		found.By = pinned
		if found.Registered, err = congestionControl(w.name); err != nil {
			return err
		}
		switch {
		case found.Registered && pinned == "":
			found.Registered, found.Reason = false, heldElsewhere(opts).explain(opts)
		case !s.StructOps:
			found.Reason = "this kernel takes no congestion control from BPF; boot one with CONFIG_BPF_JIT and BTF"
		case !found.Registered:
			found.Reason = "not registered; \"tcpresume up\" says why when it is run again"
			if err := w.checkModule(kernel); err != nil {
				found.Reason = err.Error()
			}
		}
		s.Wrappers = append(s.Wrappers, found)
	}
	return nil
}

// pinnedBy says how a wrapper was registered: by a link, by its map, or not by us.
func pinnedBy(opts Options, name string) (string, error) {
	for _, way := range []struct{ by, pin string }{
		{"link", linkPin(opts.Pins, name)},
		{"map", wrapperPin(opts.Pins, name)},
	} {
		var stat unix.Stat_t
		switch err := unix.Stat(way.pin, &stat); {
		case err == nil:
			return way.by, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%s: %w", way.pin, rights(err))
		}
	}
	return "", nil
}
