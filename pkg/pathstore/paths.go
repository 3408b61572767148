// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// BatchSize is how many entries one system call carries; larger gains little.
const BatchSize = 4096

// Put stores one path in place of what the peer had, whose history it keeps. A
// TTL of zero becomes the policy's lifetime; a longer one is refused.
func (s *Store) Put(p resume.Path) (Entry, error) {
	table, err := s.policyTable()
	if err != nil {
		return Entry{}, err
	}
	key, val, err := table.encode(p, bootNow())
	if err != nil {
		return Entry{}, err
	}
	s.keepHistory(&key, &val)
	if err := s.paths().Put(&key, &val); err != nil {
		return Entry{}, fmt.Errorf("storing path of %s: %w", resume.ErrorKey(p.Peer, p.Scope), err)
	}
	return decode(&key, &val, bootNow()), nil
}

// keepHistory takes over what the kernel has counted for the peer.
func (s *Store) keepHistory(key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath) {
	var old bytecode.KernelResumePath
	if err := s.paths().Lookup(key, &old); err == nil {
		val.Uses, val.Retreats, val.Outcome = old.Uses, old.Retreats, old.Outcome
	}
}

// keepHistories is keepHistory for a batch: no system call looks many keys up, so
// the processors share them.
func (s *Store) keepHistories(keys []bytecode.KernelResumePeer, vals []bytecode.KernelResumePath) {
	const worthAnother = 256
	var all sync.WaitGroup
	share := max(worthAnother, (len(keys)+runtime.NumCPU()-1)/runtime.NumCPU())
	for start := 0; start < len(keys); start += share {
		all.Go(func() {
			for i := start; i < min(start+share, len(keys)); i++ {
				s.keepHistory(&keys[i], &vals[i])
			}
		})
	}
	all.Wait()
}

// PutAll stores paths by batches and returns how many it stored. It checks a
// batch before it writes any of it, so that an error names the path at fault
// and everything before the batch is in place.
func (s *Store) PutAll(paths []resume.Path) (int, error) {
	table, err := s.policyTable()
	if err != nil {
		return 0, err
	}
	keys := make([]bytecode.KernelResumePeer, 0, BatchSize)
	vals := make([]bytecode.KernelResumePath, 0, BatchSize)
	stored, now := 0, bootNow()
	for start := 0; start < len(paths); start += BatchSize {
		keys, vals = keys[:0], vals[:0]
		for i, p := range paths[start:min(start+BatchSize, len(paths))] {
			key, val, err := table.encode(p, now)
			if err != nil {
				return stored, fmt.Errorf("path %d (%s): %w", start+i+1, resume.ErrorKey(p.Peer, p.Scope), err)
			}
			keys, vals = append(keys, key), append(vals, val)
		}
		s.keepHistories(keys, vals)
		n, err := s.paths().BatchUpdate(keys, vals, nil)
		stored += n
		if err != nil {
			return stored, fmt.Errorf("storing paths: %w", err)
		}
	}
	return stored, nil
}

// Get returns the entry of a peer, found under its policy's key length.
func (s *Store) Get(peer netip.Addr, scope uint64) (Entry, error) {
	key, err := s.keyOf(peer, scope)
	if err != nil {
		return Entry{}, err
	}
	return s.get(key, peer)
}

func (s *Store) get(key bytecode.KernelResumePeer, peer netip.Addr) (Entry, error) {
	var val bytecode.KernelResumePath
	if err := s.paths().Lookup(&key, &val); err != nil {
		return Entry{}, pathError(peer, key.Scope, err)
	}
	entry := decode(&key, &val, bootNow())
	entry.Jumper = s.jumper(key)
	return entry, nil
}

// jumper is the connection that holds the path of a key for its jump; 0 where
// none does or that cannot be seen.
func (s *Store) jumper(key bytecode.KernelResumePeer) uint64 {
	var jump bytecode.KernelResumeJump
	if m := s.maps[jumps]; m == nil || m.Lookup(&key, &jump) != nil || bootNow() >= jump.UntilNs {
		return 0
	}
	return jump.Cookie
}

// Delete removes the entry of a peer.
func (s *Store) Delete(peer netip.Addr, scope uint64) error {
	key, err := s.keyOf(peer, scope)
	if err != nil {
		return err
	}
	return s.delete(key, peer)
}

func (s *Store) delete(key bytecode.KernelResumePeer, peer netip.Addr) error {
	if err := s.paths().Delete(&key); err != nil {
		return pathError(peer, key.Scope, err)
	}
	return nil
}

func (s *Store) keyOf(peer netip.Addr, scope uint64) (bytecode.KernelResumePeer, error) {
	table, err := s.policyTable()
	if err != nil {
		return bytecode.KernelResumePeer{}, err
	}
	_, policy := table.of(peer, scope)
	return peerKey(peer, scope, policy), nil
}

func pathError(peer netip.Addr, scope uint64, err error) error {
	name := resume.ErrorKey(peer, scope)
	if errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("%w for %s; \"tcpresume list\" shows the stored ones", ErrNotFound, name)
	}
	return fmt.Errorf("path of %s: %w", name, err)
}

// Entries yields every entry, in no order. Entries that come and go meanwhile may be missed.
func (s *Store) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		now := bootNow()
		err := s.batches(func(keys []bytecode.KernelResumePeer, vals []bytecode.KernelResumePath) bool {
			for i := range keys {
				if !yield(decode(&keys[i], &vals[i], now), nil) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(Entry{}, err)
		}
	}
}

// Flush removes every entry and returns how many there were (RFC 9959 section 4.3.1).
func (s *Store) Flush() (int, error) {
	removed := 0
	var failed error
	err := s.batches(func(keys []bytecode.KernelResumePeer, _ []bytecode.KernelResumePath) bool {
		for i := range keys {
			switch err := s.paths().Delete(&keys[i]); {
			case err == nil:
				removed++
			case !errors.Is(err, ebpf.ErrKeyNotExist):
				failed = err
				return false
			}
		}
		return true
	})
	return removed, errors.Join(err, failed)
}

func (s *Store) batches(each func([]bytecode.KernelResumePeer, []bytecode.KernelResumePath) bool) error {
	keys := make([]bytecode.KernelResumePeer, BatchSize)
	vals := make([]bytecode.KernelResumePath, BatchSize)
	var cursor ebpf.MapBatchCursor
	for {
		n, err := s.paths().BatchLookup(&cursor, keys, vals, nil)
		end := errors.Is(err, ebpf.ErrKeyNotExist)
		if err != nil && !end {
			return fmt.Errorf("reading paths: %w", err)
		}
		if !each(keys[:n], vals[:n]) || end {
			return nil
		}
	}
}
