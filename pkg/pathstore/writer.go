// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// policyAge is how old a Writer's copy of the policies may be. Reading them
// takes two system calls each, which hundreds of policies and a hundred
// thousand paths a second would make the main work.
const policyAge = 100 * time.Millisecond

// Writer stores paths, many a second, over a copy of the policies
// that is at most a tenth of a second old. It is for one goroutine at a time.
type Writer struct {
	store *Store
	table *policyTable
	read  time.Time
	keys  []bytecode.KernelResumePeer // kept for the next PutAll
	vals  []bytecode.KernelResumePath
}

// Writer makes a Writer, which lives as long as the store is open.
func (s *Store) Writer() *Writer { return &Writer{store: s} }

// Rule returns the rule that the kernel applies to a peer.
func (w *Writer) Rule(peer netip.Addr) (Rule, error) {
	if time.Since(w.read) > policyAge {
		table, err := w.store.policyTable()
		if err != nil {
			return Rule{}, err
		}
		w.table, w.read = table, time.Now()
	}
	prefix, policy := w.table.match(peer)
	return Rule{Prefix: prefix, Policy: policy}, nil
}

// PutAll stores paths in their order, each as Store.Put does, and returns how
// many it stored; the error is about the next one.
func (w *Writer) PutAll(paths []resume.Path) (int, error) {
	stored, now := 0, bootNow()
	for len(paths) > 0 {
		part := paths[:min(len(paths), BatchSize)]
		w.keys, w.vals = w.keys[:0], w.vals[:0]
		var failed error
		for _, p := range part {
			if _, failed = w.Rule(p.Peer); failed != nil {
				break
			}
			var (
				key bytecode.KernelResumePeer
				val bytecode.KernelResumePath
			)
			if key, val, failed = w.table.encode(p, now); failed != nil {
				break
			}
			w.keys, w.vals = append(w.keys, key), append(w.vals, val)
		}
		w.store.keepHistories(w.keys, w.vals)
		n, err := w.write()
		stored += n
		switch {
		case err != nil:
			return stored, fmt.Errorf("storing path of %s: %w", resume.ErrorKey(part[n].Peer, part[n].Scope), err)
		case failed != nil:
			return stored, failed
		}
		paths = paths[len(part):]
	}
	return stored, nil
}

// write is one system call for many paths; for one the plain one is cheaper.
func (w *Writer) write() (int, error) {
	switch len(w.keys) {
	case 0:
		return 0, nil
	case 1:
		if err := w.store.paths().Put(&w.keys[0], &w.vals[0]); err != nil {
			return 0, err
		}
		return 1, nil
	}
	return w.store.paths().BatchUpdate(w.keys, w.vals, nil)
}

// Drop removes the entry of a peer if an application reported it: what a
// connection learnt or an operator stored since is not the reporter's.
func (w *Writer) Drop(peer netip.Addr, scope uint64) error {
	entry, err := w.store.Get(peer, scope)
	if err != nil || entry.Source != resume.SourceApplication {
		return err
	}
	return w.store.Delete(peer, scope)
}

// Get is Store.Get.
func (w *Writer) Get(peer netip.Addr, scope uint64) (Entry, error) {
	rule, err := w.Rule(peer)
	if err != nil {
		return Entry{}, err
	}
	return w.store.get(peerKey(peer, scope, rule.Policy), peer)
}

// Delete is Store.Delete.
func (w *Writer) Delete(peer netip.Addr, scope uint64) error {
	rule, err := w.Rule(peer)
	if err != nil {
		return err
	}
	return w.store.delete(peerKey(peer, scope, rule.Policy), peer)
}
