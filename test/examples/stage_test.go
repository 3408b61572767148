// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/lab"
)

const (
	// patience bounds waiting for what must happen; no test asks how long it took.
	patience = 10 * time.Second
	name     = "h3.test"
	port     = 8443
	// warm is loaded over QUIC before, so that there is a window to tell of.
	warm, response = 4_000_000, 1_000_000
)

// stage is a path of a test's own, tcpresume without any state of earlier tests,
// and the agent's events of the client.
type stage struct {
	*lab.Lab
	ctx    context.Context
	client netip.Addr // that no test had before: the agent remembers connections for a minute
	events *example.Events
	seen   map[string]uint64
}

func newStage(t *testing.T, ipv6 bool) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	l, err := lab.New(lab.Path{RTT: 60 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, l.Close()) })
	number := byte(stages.Add(1))
	client := netip.AddrFrom4([4]byte{198, 18, 1, number})
	if ipv6 {
		client = netip.AddrFrom16([16]byte{0xfd, 14: 1, 15: number})
	}
	check.Must(t, l.Client.AddAddr(client))
	check.Must(t, example.SetCC(ctx, l, "cubic", client))
	_, err = loaded.Store.Flush()
	check.Must(t, err)
	policy := resume.DefaultPolicy()
	policy.Learn = false // only reports are to be resumed from
	check.Must(t, loaded.Store.SetPolicy(pathstore.Rule{Policy: policy}))
	s := &stage{Lab: l, ctx: ctx, client: client}
	s.events, err = example.Watch(ctx, client)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, s.events.Close()) })
	s.seen, err = loaded.Counters()
	check.Must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(s.events.Record(), "\n"))
		}
	})
	return s
}

var stages atomic.Int32

func (s *stage) server() netip.AddrPort {
	return netip.AddrPortFrom(s.Server.Addr(s.client.Is6()), port)
}

// run starts a server of examples/ in the cgroup whose connections resume.
func (s *stage) run(t *testing.T, ready string, env []string, path string, args ...string) *example.Program {
	t.Helper()
	program, err := example.Run(s.ctx, example.Spec{Host: s.Server, Cgroup: loaded.Cgroup, Env: env, Ready: ready}, path, args...)
	check.Must(t, err)
	t.Cleanup(func() {
		check.Must(t, program.Stop())
		if t.Failed() {
			t.Log(program.Output())
		}
	})
	return program
}

// reported waits for a stored report of the client.
func (s *stage) reported(t *testing.T) pathstore.Entry {
	t.Helper()
	var entry pathstore.Entry
	check.Eventually(t, patience, "a report stored", func() (ok bool) {
		var err error
		entry, err = loaded.Store.Get(s.client, 0)
		return err == nil
	})
	return entry
}

// resumed checks that one connection of the client began with what was reported, jumped and closed.
func (s *stage) resumed(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "event closed", func() bool { return len(s.events.Kernel("closed")) > 0 })
	begun, closed := s.events.Kernel("resumed"), s.events.Kernel("closed")
	if len(begun) != 1 || len(closed) != 1 {
		t.Fatalf("%d connections resumed and %d closed, want one", len(begun), len(closed))
	}
	var told []resume.Bytes
	for _, r := range s.events.Reports() {
		told = append(told, r.Saved)
	}
	type fact struct {
		CC       string
		Source   resume.Source
		Cookie   uint64
		All      bool // of the response went over it
		Reported bool
	}
	check.Same(t, "connection", fact{begun[0].CC, begun[0].Source, closed[0].Cookie, closed[0].BytesAcked >= response, contains(told, begun[0].SavedCwnd)},
		fact{"cubic", resume.SourceApplication, begun[0].Cookie, true, true})
	if story := s.events.Story(); len(story) == 0 || !strings.HasPrefix(story[0], "reconnaissance, unvalidated: ") {
		t.Errorf("no jump: %q", story)
	}
	counters, err := loaded.Counters()
	check.Must(t, err)
	for _, name := range []string{"resumed", "applied"} {
		check.Same(t, name, counters[name]-s.seen[name], 1)
	}
}

func contains(all []resume.Bytes, one resume.Bytes) bool {
	for _, b := range all {
		if b == one {
			return true
		}
	}
	return false
}

// at returns a path in the repository.
func at(t *testing.T, path string) string {
	t.Helper()
	root, err := example.Root()
	check.Must(t, err)
	return filepath.Join(root, path)
}
