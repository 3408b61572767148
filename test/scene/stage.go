// SPDX-License-Identifier: Apache-2.0

package scene

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// Patience bounds waiting for what must happen; no test asks how long it took.
const Patience = 5 * time.Second

var (
	// Controls are the congestion controls that have a wrapper.
	Controls = []string{"cubic", "reno", "bbr"}
	// MidPath is a path on which a test takes less than a second.
	MidPath = lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6} // 250 kB, 172 segments
	// Shallow is one whose queue a jump from a wrong entry overruns.
	Shallow = lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6, Queue: 60_000}
)

// Stage is a path of a test's own and the loaded runtime without any state of
// earlier tests.
type Stage struct {
	*lab.Lab
	Rig    *rig.Rig
	Events *EventLog
	seen   map[string]uint64
}

// New begins with the policy that is built into the program, and nothing stored.
func New(t *testing.T, loaded *rig.Rig, path lab.Path) *Stage {
	t.Helper()
	l, err := lab.New(path)
	check.Must(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &Stage{Lab: l, Rig: loaded, Events: watch(t, loaded.Store)}
	_, err = s.Rig.Store.Flush()
	check.Must(t, err)
	s.forgetPolicies(t)
	s.seen, err = s.Rig.Counters()
	check.Must(t, err)
	return s
}

// Policy puts the built-in policy in force for all peers, after change had a say.
func (s *Stage) Policy(t *testing.T, change func(*resume.Policy)) {
	t.Helper()
	policy := resume.DefaultPolicy()
	change(&policy)
	check.Must(t, s.Rig.Store.SetPolicy(pathstore.Rule{Policy: policy}))
}

func (s *Stage) forgetPolicies(t testing.TB) {
	t.Helper()
	rules, err := s.Rig.Store.Policies()
	check.Must(t, err)
	for _, rule := range rules {
		check.Must(t, s.Rig.Store.DeletePolicy(rule.Prefix))
	}
}

// BDP is what the path carries in a round trip, as an entry.
func (s *Stage) BDP() resume.Path {
	return resume.Path{Cwnd: resume.Bytes(s.Path().BDP()), RTT: s.Path().RTT}
}

// Stale is an entry of a path ten times as wide.
func (s *Stage) Stale() resume.Path {
	return resume.Path{Cwnd: resume.Bytes(10 * s.Path().BDP()), RTT: s.Path().RTT}
}

// Put stores a path of the client, unless it names another peer.
func (s *Stage) Put(t testing.TB, path resume.Path) {
	t.Helper()
	if !path.Peer.IsValid() {
		path.Peer = s.Client.IPv4
	}
	if path.Sharing == "" {
		path.Sharing = resume.SharingPolicy
	}
	if path.Mode == "" {
		path.Mode = resume.ModePolicy
	}
	if path.Source == "" {
		path.Source = resume.SourceOperator
	}
	_, err := s.Rig.Store.Put(path)
	check.Must(t, err)
}

// Entry is what is stored of a peer.
func (s *Stage) Entry(t testing.TB, peer netip.Addr) pathstore.Entry {
	t.Helper()
	entry, err := s.Rig.Store.Get(peer, 0)
	check.Must(t, err)
	return entry
}

// EntryState is what connections change of an entry.
type EntryState struct {
	State          pathstore.State
	Holder         uint64
	Uses, Retreats uint32
}

// StateOf leaves the rest of an entry out.
func StateOf(e pathstore.Entry) EntryState {
	return EntryState{e.State, e.Holder, e.Uses, e.Retreats}
}

// Counted compares the named counters with what they were at the last call.
func (s *Stage) Counted(t testing.TB, want map[string]uint64) {
	t.Helper()
	now, err := s.Rig.Counters()
	check.Must(t, err)
	got := make(map[string]uint64)
	for name := range want {
		got[name] = now[name] - s.seen[name]
	}
	check.Same(t, "counters", got, want)
	s.seen = now
}

// Forget removes what is stored of a peer, if anything is.
func (s *Stage) Forget(peer netip.Addr) error {
	if _, err := s.Rig.Store.Get(peer, 0); err != nil {
		return nil
	}
	return s.Rig.Store.Delete(peer, 0)
}

// Silence loses what the server sends on one connection, and leaves it in its phase until the timeout.
func (s *Stage) Silence(t *testing.T, p *Pair) {
	port := p.ClientPort()
	s.Capture(func(packet lab.Packet) {
		if packet.Payload > 0 && packet.To.Port() == port {
			Lose(packet)
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
}

// Lose makes the receiver's stack discard a packet, and no other: Lab.Cut would
// take ACKs that pass at the same time as well.
func Lose(p lab.Packet) { p.Raw[len(p.Raw)-1] ^= 0xff }
