// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// memory is a store of paths without a kernel.
type memory struct {
	mu      sync.Mutex
	entries map[netip.Addr]*entry
	policy  resume.Policy
	slow    time.Duration // of each Put
}

type entry struct {
	pathstore.Entry
	at time.Time
}

func newMemory() *memory {
	return &memory{entries: make(map[netip.Addr]*entry), policy: resume.DefaultPolicy()}
}

func (m *memory) Rule(netip.Addr) (pathstore.Rule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return pathstore.Rule{Policy: m.policy}, nil
}

func (m *memory) Get(peer netip.Addr, _ uint64) (pathstore.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[m.policy.MaskPeer(peer)]
	if e == nil {
		return pathstore.Entry{}, pathstore.ErrNotFound
	}
	now := e.Entry
	now.Age = time.Since(e.at)
	if now.TTL -= now.Age; now.TTL <= 0 && now.State == pathstore.StateFree {
		now.TTL, now.State = 0, pathstore.StateExpired
	}
	return now, nil
}

func (m *memory) PutAll(paths []resume.Path) (int, error) {
	for i, p := range paths {
		if err := m.Put(p); err != nil {
			return i, err
		}
	}
	return len(paths), nil
}

func (m *memory) Put(p resume.Path) error {
	if err := p.Validate(); err != nil {
		return err
	}
	m.mu.Lock()
	slow := m.slow
	if p.TTL == 0 {
		p.TTL = m.policy.Lifetime
	}
	err := pathstore.Rule{Policy: m.policy}.Allows(p)
	p.Peer = m.policy.MaskPeer(p.Peer)
	m.entries[p.Peer] = &entry{pathstore.Entry{Path: p, State: pathstore.StateFree}, time.Now()}
	m.mu.Unlock()
	time.Sleep(slow)
	return err
}

func (m *memory) Delete(peer netip.Addr, _ uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[m.policy.MaskPeer(peer)] == nil {
		return pathstore.ErrNotFound
	}
	delete(m.entries, m.policy.MaskPeer(peer))
	return nil
}

// turn makes an entry what a connection would.
func (m *memory) turn(peer netip.Addr, state pathstore.State, outcome string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entries[m.policy.MaskPeer(peer)]
	e.State, e.Outcome = state, outcome
	if outcome != "" {
		e.Retreats++
	}
}

// contents are all entries as another machine can have them, too.
func (m *memory) contents() map[netip.Addr]resume.Bytes {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[netip.Addr]resume.Bytes, len(m.entries))
	for peer, e := range m.entries {
		if e.State == pathstore.StateFree {
			all[peer] = e.Cwnd
		}
	}
	return all
}
