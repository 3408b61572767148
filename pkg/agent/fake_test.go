// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// memory is a store without a kernel.
type memory struct {
	mu     sync.Mutex
	paths  map[netip.Addr]resume.Path
	policy resume.Policy
	puts   int
	broken error
}

func newMemory() *memory {
	return &memory{paths: make(map[netip.Addr]resume.Path), policy: resume.DefaultPolicy()}
}

func (m *memory) Rule(netip.Addr) (pathstore.Rule, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return pathstore.Rule{Policy: m.policy}, nil
}

func (m *memory) PutAll(paths []resume.Path) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range paths {
		if err := errors.Join(m.broken, p.Validate(), pathstore.Rule{Policy: m.policy}.Allows(p)); err != nil {
			return i, err
		}
		m.puts++
		m.paths[m.policy.MaskPeer(p.Peer)] = p
	}
	return len(paths), nil
}

func (m *memory) Drop(peer netip.Addr, _ uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.paths, peer)
	return nil
}

func (m *memory) entry(peer netip.Addr, _ uint64) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.paths[peer]
	if !ok {
		return nil, fmt.Errorf("%w for peer %s", pathstore.ErrNotFound, peer)
	}
	return p, nil
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.paths)
}

// me is this process, which an agent without configuration trusts.
func me() Credentials {
	return Credentials{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: int32(os.Getpid())}
}

var client = netip.MustParseAddr("203.0.113.7")

// grown is a report of a connection that has filled its window.
func grown(change func(*resume.Report)) resume.Report {
	r := resume.Report{
		Peer: client, Port: 51234, ID: "one", Cwnd: 300_000, MinRTT: 20 * time.Millisecond, SRTT: 25 * time.Millisecond,
		Sent: 9_000_000, MSS: 1452, CC: "cubic",
	}
	if change != nil {
		change(&r)
	}
	return r
}

// stored is what a report of grown becomes.
func stored(change func(*resume.Path)) resume.Path {
	p := resume.Path{
		Peer: client, Cwnd: 300_000, RTT: 20 * time.Millisecond, TTL: 10 * time.Minute,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
	}
	if change != nil {
		change(&p)
	}
	return p
}

// serving is an agent on sockets of its own until the test ends.
func serving(t *testing.T, opts Options) (*Agent, string) {
	t.Helper()
	dir := t.TempDir()
	if opts.Config.SharedAfter == 0 {
		opts.Config = DefaultConfig()
	}
	a := New(opts)
	sockets, err := Listen(dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Serve(ctx, sockets) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving ended with %v", err)
		}
	})
	return a, dir
}

const patience = 10 * time.Second

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}
