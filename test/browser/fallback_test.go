// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/lab"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 10 * time.Second

var longPath = lab.Path{RTT: 100 * time.Millisecond, Rate: 50e6}

// warm is what the page loads over HTTP/3 before, so that there is a window to
// tell of.
const warm = 4_000_000

// UDP is lost without a word: the browser finds out by itself after some
// seconds, while the server only knows what it sampled before.
func TestBlackHoledBrowserResumes(t *testing.T) {
	s := newStage(t, Options{Path: longPath})
	s.visit(t)
	s.reported(t)
	check.Must(t, CutUDP(s.ctx, s.Lab.Client, s.Lab.Server))
	got, err := s.Fetch(s.ctx, 1_000_000)
	check.Must(t, err)
	s.resumedOver(t, got)
}

// The server takes its leave of HTTP/3 while the page waits for a response: the
// SYN is there a round trip later, and only what was reported at the close can
// be in the map.
func TestDismissedBrowserResumes(t *testing.T) {
	s := newStage(t, Options{Path: longPath, IPv6: true})
	s.visit(t)
	s.reported(t)
	waiting := make(chan error, 1)
	var got Fetched
	go func() {
		var err error
		got, err = s.Browser.Fetch(s.ctx, s.Site.URL("/bytes/1000000?wait=2s"))
		waiting <- err
	}()
	time.Sleep(time.Second) // the request is at the server, and the reports of the visit are done
	check.Must(t, CutUDP(s.ctx, s.Lab.Server))
	_, err := loaded.Store.Flush()
	check.Must(t, err)
	check.Must(t, s.EndHTTP3())
	check.Must(t, <-waiting)
	s.resumedOver(t, got)
}

// stage is a world of a test's own, and tcpresume without any state of earlier tests.
type stage struct {
	*World
	ctx    context.Context
	peer   netip.Addr
	events *example.Events
	seen   map[string]uint64
}

func newStage(t *testing.T, opts Options) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	opts.Cgroup, opts.CC = loaded.Cgroup, "cubic"
	w, err := NewWorld(ctx, opts)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, w.Close()) })
	_, err = loaded.Store.Flush()
	check.Must(t, err)
	policy := resume.DefaultPolicy()
	policy.Learn = false // or the connection that the visit begins with could be the one that is resumed from
	check.Must(t, loaded.Store.SetPolicy(pathstore.Rule{Policy: policy}))
	s := &stage{World: w, ctx: ctx, peer: w.Lab.Client.Addr(opts.IPv6)}
	s.events, err = example.Watch(ctx, s.peer)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, s.events.Close()) })
	s.seen, err = loaded.Counters()
	check.Must(t, err)
	t.Cleanup(func() { s.explain(t) })
	return s
}

// explain tells of a failed test what the kernel and the agent know.
func (s *stage) explain(t *testing.T) {
	if !t.Failed() {
		return
	}
	counters, err := loaded.Counters()
	t.Logf("counters before %v, now %v %v", s.seen, counters, err)
	entry, err := loaded.Store.Get(s.peer, 0)
	t.Logf("entry %+v %v", entry, err)
	t.Log(strings.Join(s.events.Record(), "\n"))
}

func (s *stage) visit(t *testing.T) {
	t.Helper()
	got, err := s.Visit(s.ctx, warm)
	check.Must(t, err)
	check.Same(t, "protocol of the visit", got.Protocol, "h3")
}

// reported waits until the agent has stored what the QUIC connection told.
func (s *stage) reported(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "a report stored", func() bool {
		_, err := loaded.Store.Get(s.peer, 0)
		return err == nil
	})
}

// resumedOver checks that the response came over a connection that jumped.
func (s *stage) resumedOver(t *testing.T, got Fetched) {
	t.Helper()
	check.Same(t, "bytes", got.Bytes, 1_000_000)
	check.Same(t, "protocol of the fallback", got.Protocol, "h2")
	check.Eventually(t, patience, "event closed", func() bool { return len(s.events.Kernel("closed")) > 0 })
	resumed, closed := s.events.Kernel("resumed"), s.events.Kernel("closed")
	if len(resumed) != 1 || len(closed) != 1 {
		t.Fatalf("%d connections resumed and %d closed, want one: %+v", len(resumed), len(closed), resumed)
	}
	type fact struct {
		CC     string
		Source resume.Source
		Cookie uint64
		All    bool // of the response went over it
	}
	check.Same(t, "connection", fact{resumed[0].CC, resumed[0].Source, closed[0].Cookie, closed[0].BytesAcked >= 1_000_000},
		fact{"cubic", resume.SourceApplication, resumed[0].Cookie, true})
	story := s.events.Story()
	if len(story) == 0 || !strings.HasPrefix(story[0], "reconnaissance, unvalidated: ") {
		t.Errorf("no jump: %q", story)
	}
	counters, err := loaded.Counters()
	check.Must(t, err)
	for name, want := range map[string]uint64{"resumed": 1, "applied": 1, "congestion_window_limited": 1} {
		check.Same(t, name, counters[name]-s.seen[name], want)
	}
}
