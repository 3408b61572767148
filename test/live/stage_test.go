// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/lab"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 5 * time.Second

var (
	controls = []string{"cubic", "reno", "bbr"}
	midPath  = lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6} // 250 kB, 172 segments
)

// stage is a path of a test's own and the loaded runtime without any state of
// earlier tests.
type stage struct {
	*lab.Lab
	Events *eventLog
	seen   map[string]uint64
}

func newStage(t *testing.T, path lab.Path) *stage {
	t.Helper()
	l, err := lab.New(path)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &stage{Lab: l, Events: watch(t)}
	_, err = loaded.Store.Flush()
	must(t, err)
	s.policy(t, func(*resume.Policy) {})
	s.seen, err = loaded.Counters()
	must(t, err)
	return s
}

// policy puts mode careful without learning in force for all peers, after change had a say.
func (s *stage) policy(t *testing.T, change func(*resume.Policy)) {
	t.Helper()
	policy := resume.DefaultPolicy()
	policy.Learn = false // or closing connections would store paths of their own
	change(&policy)
	must(t, loaded.Store.SetPolicy(pathstore.Rule{Policy: policy}))
}

// bdp is what the path carries in a round trip, as an entry.
func (s *stage) bdp() resume.Path {
	return resume.Path{Cwnd: resume.Bytes(s.Path().BDP()), RTT: s.Path().RTT}
}

// stale is an entry of a path ten times as wide.
func (s *stage) stale() resume.Path {
	return resume.Path{Cwnd: resume.Bytes(10 * s.Path().BDP()), RTT: s.Path().RTT}
}

// put stores a path of the client, unless it names another peer.
func (s *stage) put(t testing.TB, path resume.Path) {
	t.Helper()
	if !path.Peer.IsValid() {
		path.Peer = s.Client.IPv4
	}
	path.Sharing = resume.SharingPolicy
	if path.Mode == "" {
		path.Mode = resume.ModePolicy
	}
	if path.Source == "" {
		path.Source = resume.SourceOperator
	}
	_, err := loaded.Store.Put(path)
	must(t, err)
}

func (s *stage) entry(t testing.TB, peer netip.Addr) pathstore.Entry {
	t.Helper()
	entry, err := loaded.Store.Get(peer, 0)
	must(t, err)
	return entry
}

type entryState struct {
	State          pathstore.State
	Holder         uint64
	Uses, Retreats uint32
}

func stateOf(e pathstore.Entry) entryState {
	return entryState{e.State, e.Holder, e.Uses, e.Retreats}
}

// counted compares the named counters with what they were at the last call.
func (s *stage) counted(t testing.TB, want map[string]uint64) {
	t.Helper()
	now, err := loaded.Counters()
	must(t, err)
	got := make(map[string]uint64)
	for name := range want {
		got[name] = now[name] - s.seen[name]
	}
	same(t, "counters", got, want)
	s.seen = now
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func between[N int | uint32 | uint64 | resume.Bytes | time.Duration](t testing.TB, what string, got, low, high N) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %v, want %v to %v", what, got, low, high)
	}
}

// eventually waits until done holds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func background(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// idle waits until the server's end counts as idle: nothing in flight for longer than its timeout.
func (s *stage) idle(t testing.TB, all ...*pair) {
	t.Helper()
	for _, p := range all {
		eventually(t, "an idle connection", func() bool {
			seen := info(t, p.server)
			return seen.Unacked == 0 && time.Duration(seen.Last_data_sent)*time.Millisecond > 2*time.Duration(seen.Rto)*time.Microsecond
		})
	}
}

// pass makes one over the server's namespace, which a walk through the host's would not find.
func (s *stage) pass(t testing.TB) (result revive.Result) {
	t.Helper()
	must(t, s.Server.Do(func() (err error) {
		result, err = revive.Here(loader.LiveLink(loaded.Options.Pins))
		return err
	}))
	return result
}

func deleted(peer netip.Addr) error {
	if _, err := loaded.Store.Get(peer, 0); err != nil {
		return nil
	}
	return loaded.Store.Delete(peer, 0)
}

// silence loses what the server sends on one connection.
func (s *stage) silence(t *testing.T, p *pair) {
	port := clientPort(p)
	s.Capture(func(packet lab.Packet) {
		if packet.Payload > 0 && packet.To.Port() == port {
			lose(packet)
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
}

var shallow = lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6, Queue: 60_000}

// lose spoils the checksum of a packet.
func lose(p lab.Packet) { p.Raw[len(p.Raw)-1] ^= 0xff }

// jumped waits for the jump; a busy machine's delays, and the client of an older kernel, may bound it further.
func (s *stage) jumped(t testing.TB, p *pair, want resume.Bytes) {
	t.Helper()
	jump := s.Events.change(t, p, "unvalidated")
	if jump.Limit == "standing_queue" || jump.Limit == "receiver_window" {
		between(t, "jump", jump.Jump, want/4, want)
	} else {
		same(t, "jump", jump.Jump, want)
	}
	same(t, "window at the jump", jump.Cwnd, uint32(jump.Jump)/jump.MSS)
}
