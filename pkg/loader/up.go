// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// Runtime is a loaded tcpresume and this process's hold on it.
type Runtime struct {
	Upgraded bool     // something was running and has been replaced in place
	Notes    []string // what a person should know
	state    State
	lock     *lock
}

// State is what Up left in the kernel.
func (r *Runtime) State() State { return r.state }

// Close lets another process work on the pins. What is in the kernel stays.
func (r *Runtime) Close() error { return r.lock.release() }

// Up loads, registers, attaches and pins, or replaces what runs, in place and
// while connections live. On an error everything is as it was before.
func Up(ctx context.Context, opts Options) (_ *Runtime, err error) {
	opts = opts.filled()
	r := &Runtime{}
	note, err := ensureBPFFS(opts.Pins)
	if err != nil {
		return nil, err
	}
	r.note(note)

	var undone undo
	defer func() {
		if err != nil {
			err = errors.Join(err, undone.run())
		}
	}()
	if err := ensureDir(opts.Pins, &undone); err != nil {
		return nil, rights(err)
	}
	if r.lock, err = acquire(opts.Pins); err != nil {
		undone = nil // the directory is the other one's
		return nil, err
	}
	undone.add(r.lock.release)
	for _, room := range []string{MapsDir(opts.Pins), linkPin(opts.Pins, ""), wrapperPin(opts.Pins, "")} {
		if err := ensureDir(room, &undone); err != nil {
			return nil, err
		}
	}
	if err := r.load(ctx, opts, &undone); err != nil {
		return nil, err
	}
	r.state, err = Inspect(opts)
	return r, err
}

// Move puts what runs onto another foundation, while connections live and
// without letting go of the pins. On an error everything is as it was before.
func (r *Runtime) Move(ctx context.Context, opts Options) error {
	opts = opts.filled()
	var undone undo
	r.Notes = nil
	if err := r.load(ctx, opts, &undone); err != nil {
		return errors.Join(err, undone.run())
	}
	var err error
	r.state, err = Inspect(opts)
	return err
}

func (r *Runtime) note(text string) {
	if text != "" {
		r.Notes = append(r.Notes, text)
	}
}

func (r *Runtime) load(ctx context.Context, opts Options, undone *undo) error {
	running, err := openAttached(opts.Pins)
	if err != nil {
		return err
	}
	lost := false
	if running == nil && opts.Adopt {
		if lost, err = adoptLost(opts, undone); err != nil {
			return err
		}
		if running, err = openAttached(opts.Pins); err != nil {
			return err
		}
	}
	if running != nil {
		defer running.Close()
	}
	if lost {
		r.note("took over a tcpresume that had lost its pins, with its paths and connections")
	}
	cgroup, err := r.chooseCgroup(opts, running)
	if err != nil {
		return err
	}
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return err
	}
	if err := recoverMaps(running, lost, spec, opts, undone); err != nil {
		return err
	}
	maps, err := openMaps(spec, opts, undone)
	if err != nil {
		return err
	}
	defer maps.close()
	var adopted *adoption
	if opts.Over != nil {
		adopted, err = adopt(opts.Over, maps, opts)
		defer adopted.close()
		if err := errors.Join(err, adopted.carry()); err != nil {
			return err
		}
	}
	if err := tryStorage(maps[bytecode.KernelMapResumeConns]); err != nil {
		r.note(err.Error() + ": " + withoutStorage)
	}
	counting, err := watchersOver(maps, opts)
	if err != nil {
		return err
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps.shared(spec)})
	if err != nil {
		return fmt.Errorf("loading the sockops program: %w", verdict(err))
	}
	defer coll.Close()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.registerAll(maps, opts, undone); err != nil {
		return err
	}
	if err := setControl(maps, undone); err != nil {
		return err
	}
	if err := errors.Join(r.loadLive(maps, cgroup, opts, undone), renewAsks(opts, undone)); err != nil {
		return err
	}
	r.Upgraded = running != nil && running.cgroupID != 0
	prog, err := opts.Over.program(coll, r)
	if err != nil {
		return err
	}
	if err := attach(prog, cgroup, running, opts, undone); err != nil {
		return err
	}
	r.Notes = append(r.Notes, shadowNotes(cgroup, ebpf.AttachCGroupSockOps)...)
	if err := r.settle(adopted, opts, undone); err != nil {
		return err
	}
	r.watch(coll, counting, opts, undone)
	return nil
}

// settle makes the pins say what the programs now use.
func (r *Runtime) settle(adopted *adoption, opts Options, undone *undo) error {
	if adopted == nil {
		return writeOrigin(opts.Pins, nil, undone)
	}
	if err := adopted.finish(undone); err != nil {
		return err
	}
	if err := adopted.carryLate(); err != nil {
		r.note(fmt.Sprintf("paths that were stored in this moment may be lost: %v", err))
	}
	return writeOrigin(opts.Pins, &opts.Over.Origin, undone)
}

// chooseCgroup keeps an upgrade where the running version is.
func (r *Runtime) chooseCgroup(opts Options, running *attached) (string, error) {
	if running == nil || running.cgroupID == 0 {
		if root, whole, err := cgroupRoot(); err == nil && !whole && opts.Cgroup == "" {
			r.note(partOfCgroups(root))
		}
		return findCgroup(opts.Cgroup)
	}
	at := cgroupPath(running.cgroupID)
	if opts.Cgroup == "" {
		return at, nil
	}
	want, err := findCgroup(opts.Cgroup)
	if err != nil {
		return "", err
	}
	if id, err := cgroupID(want); err != nil || id != running.cgroupID {
		return "", fmt.Errorf("tcpresume is attached to %s, not to %s; run \"tcpresume down\" first to move it", at, want)
	}
	return want, nil
}

func (r *Runtime) registerAll(maps mapSet, opts Options, undone *undo) error {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return fmt.Errorf("the kernel has no BTF: %w; boot one with CONFIG_DEBUG_INFO_BTF", err)
	}
	if !haveStructOps(kernel) {
		r.note("this kernel takes no congestion control from BPF: connections get the stored cwnd, but neither ssthresh nor pacing")
		return nil
	}
	linked := haveStructOpsLinks(kernel) && !opts.ByMap
	if !linked {
		r.note("without struct_ops links (Linux 6.4) an upgrade unregisters the old congestion controls before it registers the new ones")
	}
	for _, w := range wrappers {
		var tried undo
		if err := w.register(maps, opts, linked, &tried); err != nil {
			if errors.Is(err, errNameTaken) || isRights(err) {
				return errors.Join(fmt.Errorf("registering %s: %w", w.name, err), tried.run())
			}
			r.note(fmt.Sprintf("going without %s: %v; its connections get the stored cwnd only", w.name, errors.Join(err, tried.run())))
			continue
		}
		*undone = append(*undone, tried...)
	}
	return nil
}

func setControl(maps mapSet, undone *undo) error {
	m := maps[bytecode.KernelMapResumeControl]
	var before bytecode.KernelResumeControl
	if err := m.Lookup(uint32(0), &before); err != nil {
		return err
	}
	held, err := m.Clone()
	if err != nil {
		return err
	}
	undone.add(func() error { defer held.Close(); return held.Put(uint32(0), &before) })
	return m.Put(uint32(0), &bytecode.KernelResumeControl{Build: bytecode.Build()})
}
