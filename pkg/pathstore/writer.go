// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// policyAge is how old a Writer's copy of the policies may be. Reading them
// takes two system calls each, which hundreds of policies and a hundred
// thousand paths a second would make the main work.
const policyAge = 100 * time.Millisecond

// Writer stores paths one by one, many a second, over a copy of the policies
// that is at most a tenth of a second old. It is for one goroutine at a time.
type Writer struct {
	store *Store
	table *policyTable
	read  time.Time
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

// Put is Store.Put.
func (w *Writer) Put(p resume.Path) error {
	if _, err := w.Rule(p.Peer); err != nil {
		return err
	}
	_, err := w.store.put(w.table, p)
	return err
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
