// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 10 * time.Second

var shortPath = lab.Path{RTT: 10 * time.Millisecond, Rate: 100e6}

// stage is a path of a test's own and the loaded runtime without any state of
// earlier tests.
type stage struct {
	*lab.Lab
	Store  *pathstore.Store
	Events *eventLog
	seen   counts
}

func newStage(t *testing.T, path lab.Path) *stage {
	t.Helper()
	l, err := lab.New(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Lab: l, Store: loaded.Store}
	s.clear(t)
	s.Events = watch(t, s.Store)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		s.balanced(t)
	})
	s.seen = s.read(t)
	s.policy(t, func(*resume.Policy) {})
	return s
}

// clear forgets every path, policy and drop-in value.
func (s *stage) clear(t *testing.T) {
	t.Helper()
	_, err := s.Store.Flush()
	check.Must(t, err)
	rules, err := s.Store.Policies()
	check.Must(t, err)
	for _, rule := range rules {
		check.Must(t, s.Store.DeletePolicy(rule.Prefix))
	}
	for _, name := range []string{bytecode.KernelMapCwndMap, bytecode.KernelMapSSThreshMap, bytecode.KernelMapFallbackMap} {
		if err := pinned(t, name).Delete(uint32(0)); !errors.Is(err, ebpf.ErrKeyNotExist) {
			check.Must(t, err)
		}
	}
}

// policy puts mode exact in force for all peers, after change had a say.
func (s *stage) policy(t *testing.T, change func(*resume.Policy)) {
	t.Helper()
	s.policyFor(t, netip.Prefix{}, change)
}

func (s *stage) policyFor(t *testing.T, prefix netip.Prefix, change func(*resume.Policy)) {
	t.Helper()
	policy := resume.DefaultPolicy()
	policy.Mode = resume.ModeExact
	change(&policy)
	check.Must(t, s.Store.SetPolicy(pathstore.Rule{Prefix: prefix, Policy: policy}))
}

// put stores a path of the client, unless it names another peer; mode and
// sharing are left to the policy unless given.
func (s *stage) put(t *testing.T, path resume.Path) {
	t.Helper()
	if !path.Peer.IsValid() {
		path.Peer = s.Client.IPv4
	}
	_, err := s.Store.Put(words(path))
	check.Must(t, err)
}

func words(path resume.Path) resume.Path {
	if path.Mode == "" {
		path.Mode = resume.ModePolicy
	}
	if path.Sharing == "" {
		path.Sharing = resume.SharingPolicy
	}
	if path.Source == "" {
		path.Source = resume.SourceOperator
	}
	return path
}

func (s *stage) entry(t *testing.T, peer netip.Addr) pathstore.Entry {
	t.Helper()
	entry, err := s.Store.Get(peer, 0)
	check.Must(t, err)
	return entry
}
