// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// carry copies the values of old maps into those that take their place. What
// the new ones hold already stands, unless it is an older report of a path.
func (a *adoption) carry() error {
	var errs []error
	for name, old := range a.old {
		var err error
		_, orphans := a.old[bytecode.KernelMapResumeConns]
		switch now := a.now[name]; name {
		case bytecode.KernelMapResumePaths:
			err = a.carryPaths(old, now)
		case bytecode.KernelMapResumeStats:
			err = carryStats(old, now)
		case bytecode.KernelMapResumeControl, bytecode.KernelMapResumeEvents, bytecode.KernelMapResumeConns, bytecode.KernelMapResumeSeen:
			// written anew, read already, or freed with their sockets
		case bytecode.KernelMapResumeJumps:
			if !orphans { // a jump whose connection nobody knows would never end
				err = carryAll(old, now)
			}
		default:
			err = carryAll(old, now)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("copying %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// carryLate follows up on what was written to the old paths while programs and pins changed.
func (a *adoption) carryLate() error {
	old, ok := a.old[bytecode.KernelMapResumePaths]
	if !ok {
		return nil
	}
	return a.carryPaths(old, a.now[bytecode.KernelMapResumePaths])
}

const carryBatch = 4096

func (a *adoption) carryPaths(from, to *ebpf.Map) error {
	_, orphans := a.old[bytecode.KernelMapResumeConns]
	newer := make(map[bytecode.KernelResumePeer]uint64)
	err := eachPath(to, func(keys []bytecode.KernelResumePeer, vals []bytecode.KernelResumePath) error {
		for i := range keys {
			newer[keys[i]] = vals[i].StoredNs
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachPath(from, func(keys []bytecode.KernelResumePeer, vals []bytecode.KernelResumePath) error {
		n := 0
		for i := range keys {
			if stored, ok := newer[keys[i]]; !ok || stored < vals[i].StoredNs {
				keys[n], vals[n] = keys[i], vals[i]
				if orphans {
					pathstore.Settle(&keys[n], &vals[n])
				}
				n++
			}
		}
		if n == 0 {
			return nil
		}
		_, err := to.BatchUpdate(keys[:n], vals[:n], nil)
		return err
	})
}

func eachPath(m *ebpf.Map, each func([]bytecode.KernelResumePeer, []bytecode.KernelResumePath) error) error {
	keys := make([]bytecode.KernelResumePeer, carryBatch)
	vals := make([]bytecode.KernelResumePath, carryBatch)
	var cursor ebpf.MapBatchCursor
	for {
		n, err := m.BatchLookup(&cursor, keys, vals, nil)
		end := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !end {
			return err
		}
		if err := each(keys[:n], vals[:n]); err != nil || end {
			return err
		}
	}
}

func carryAll(from, to *ebpf.Map) error {
	var key, val []byte
	all := from.Iterate()
	for all.Next(&key, &val) {
		if err := to.Update(key, val, ebpf.UpdateNoExist); err != nil && !errors.Is(err, ebpf.ErrKeyExist) {
			return err
		}
	}
	return all.Err()
}

// carryStats adds, as the new programs may have begun to count.
func carryStats(from, to *ebpf.Map) error {
	var old, now []bytecode.KernelResumeStats
	if err := errors.Join(from.Lookup(uint32(0), &old), to.Lookup(uint32(0), &now)); err != nil {
		return err
	}
	for cpu := range now {
		if cpu < len(old) {
			addStats(&now[cpu], &old[cpu])
		}
	}
	return to.Put(uint32(0), now)
}

// addStats relies on struct resume_stats being counters of 64 bits and nothing else.
func addStats(to, from *bytecode.KernelResumeStats) {
	const words = unsafe.Sizeof(*to) / 8
	sum := unsafe.Slice((*uint64)(unsafe.Pointer(to)), words)
	for i, count := range unsafe.Slice((*uint64)(unsafe.Pointer(from)), words) {
		sum[i] += count
	}
}
