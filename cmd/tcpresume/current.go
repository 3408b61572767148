// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// current is the store of the maps that are pinned now, for those who use it one
// call at a time. It may be empty: the kernel part comes and goes without them.
type current struct {
	dir string

	mu    sync.RWMutex // held for reading while the store is used
	store *pathstore.Store
}

// hold puts another store in force, or none, and returns once nobody uses the one before.
func (p *current) hold(store *pathstore.Store) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.store = store
}

// use calls do with the store, which may not be kept.
func (p *current) use(do func(*pathstore.Store) error) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.store == nil {
		return p.waiting()
	}
	return do(p.store)
}

func (p *current) waiting() error {
	return fmt.Errorf("waiting for maps at %s: %w; \"tcpresume up\" makes them", p.dir, pathstore.ErrNotLoaded)
}

// eventsID is 0 without maps.
func (p *current) eventsID() (id uint32) {
	_ = p.use(func(store *pathstore.Store) (err error) {
		id, err = store.EventsID()
		return err
	})
	return id
}

func (p *current) delete(peer peerAddr, scope uint64) error {
	return p.use(func(store *pathstore.Store) error { return store.Delete(peer, scope) })
}

// entry is what "get -o json" prints.
func (p *current) entry(peer peerAddr, scope uint64) (shown any, err error) {
	err = p.use(func(store *pathstore.Store) error {
		rule, err := store.RuleFor(peer, scope)
		if err != nil {
			return err
		}
		entry, err := store.Get(peer, scope)
		if err == nil {
			shown = viewEntry(entry, rule)
		}
		return err
	})
	return shown, err
}

// writer writes paths into the maps that are pinned, for one goroutine at a time.
type writer struct {
	*current
	of   *pathstore.Store
	over *pathstore.Writer
}

func (w *writer) use(do func(*pathstore.Writer) error) error {
	return w.current.use(func(store *pathstore.Store) error {
		if w.of != store {
			w.of, w.over = store, store.Writer()
		}
		return do(w.over)
	})
}

func (w *writer) Rule(peer netip.Addr) (rule pathstore.Rule, err error) {
	err = w.use(func(over *pathstore.Writer) (err error) {
		rule, err = over.Rule(peer)
		return err
	})
	return rule, err
}

func (w *writer) PutAll(paths []resume.Path) (stored int, err error) {
	err = w.use(func(over *pathstore.Writer) (err error) {
		stored, err = over.PutAll(paths)
		return err
	})
	return stored, err
}

func (w *writer) Drop(peer netip.Addr, scope uint64) error {
	return w.use(func(over *pathstore.Writer) error { return over.Drop(peer, scope) })
}
