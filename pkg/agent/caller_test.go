// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// refusedFor checks that a report is refused for the reason, and nothing stored.
func refusedFor(t *testing.T, store *memory, o Outcome, reason, words string) {
	t.Helper()
	if o.Result != Refused || o.Reason != reason || o.Err == nil || !strings.Contains(o.Err.Error(), words) {
		t.Errorf("got %s, %s, %v; want refused, %s, ...%s...", o.Result, o.Reason, o.Err, reason, words)
	}
	if n := store.len(); n != 0 {
		t.Errorf("%d paths are stored", n)
	}
}

func TestRefusals(t *testing.T) {
	allowed := Caller{
		UIDs: []uint32{1000}, GIDs: []uint32{500}, Rate: 5, Burst: 5, MaxPaths: 10, MaxCwnd: 1 << 20,
		Peers: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
	}
	for name, c := range map[string]struct {
		who    Credentials
		report func(*resume.Report)
		policy func(*resume.Policy)
		reason string
		words  string
	}{
		"a stranger":                      {who: Credentials{UID: 1001, GID: 1001}, reason: ReasonUID, words: "uid 1001 (gid 1001) may not report"},
		"who cannot be named":             {who: Credentials{UID: 65534, GID: 500}, reason: ReasonUID, words: "uid 65534 is what the kernel calls everybody"},
		"an address outside the prefixes": {who: Credentials{UID: 1000}, report: at("203.0.114.1"), reason: ReasonPeer, words: "in none of the prefixes"},
		"a window that is too large":      {who: Credentials{UID: 1000}, report: cwnd(1<<20 + 1), reason: ReasonWindow, words: "larger than the 1MiB"},
		"a window beyond 32 bits":         {who: Credentials{UID: 1000}, report: cwnd(1<<64 - 1), reason: ReasonWindow, words: "larger"},
		"exact without the right to it":   {who: Credentials{UID: 1000}, report: func(r *resume.Report) { r.Mode = resume.ModeExact }, reason: ReasonMode, words: "mode exact"},
		"an invalid report":               {who: Credentials{UID: 1000}, report: cwnd(0), reason: ReasonMalformed, words: "cwnd is missing"},
		"no network namespace": {
			who: Credentials{UID: 1000}, policy: func(p *resume.Policy) { p.Scope = resume.ScopeNetns }, reason: ReasonScope, words: "netns_cookie is missing",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			if c.policy != nil {
				c.policy(&store.policy)
			}
			config := DefaultConfig()
			config.Callers = []Caller{allowed}
			a := New(Options{Config: config, Paths: store})
			refusedFor(t, store, a.TakeReport(c.who, grown(c.report)), c.reason, c.words)
		})
	}
}

func TestWhoMayReport(t *testing.T) {
	config := DefaultConfig()
	config.Callers = []Caller{{UIDs: []uint32{1000}, Rate: 1}, {GIDs: []uint32{500}, Rate: 2}, {UIDs: []uint32{0}, Rate: 3}}
	g := newGuard(config, nil)
	g.own = 700
	for who, rate := range map[Credentials]int{
		{UID: 1000}: 1, {UID: 1000, GID: 500}: 1, {UID: 1001, GID: 500}: 2, {UID: 0}: 3, {UID: 700}: DefaultRate, {UID: 1001}: 0, {UID: 65534, GID: 500}: 0,
	} {
		for range 2 { // the second time from memory
			if c := g.caller(who); c == nil && rate != 0 || c != nil && c.Rate != rate {
				t.Errorf("%+v: %+v, want rate %d", who, c, rate)
			}
		}
	}
}

func TestPeersWithoutPrefixes(t *testing.T) {
	g := newGuard(DefaultConfig(), func(addr netip.Addr, _ int32) bool { return addr == netip.MustParseAddr("198.51.100.1") })
	c := trusted()
	for ip, word := range map[string]string{
		"203.0.113.7": "", "2001:db8::7": "", "127.0.0.1": "loopback", "::1": "loopback", "10.1.2.3": "private", "fd00::1": "private",
		"169.254.1.1": "link-local", "fe80::1": "link-local", "198.51.100.1": "of this machine",
		"100.64.1.1": "shared space", "198.18.0.1": "benchmarks", "192.0.0.8": "IETF", "240.0.0.1": "reserved", "2002:a01:203::1": "6to4", "fec0::1": "site-local",
	} {
		err := g.mayReport(&c, me(), netip.MustParseAddr(ip))
		if (err == nil) != (word == "") || err != nil && !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want %q", ip, err, word)
		}
	}
	c.Peers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	if err := g.mayReport(&c, me(), netip.MustParseAddr("10.1.2.3")); err != nil {
		t.Errorf("a private address that is listed: %v", err)
	}
}

func TestRateOfAUser(t *testing.T) {
	now := time.Now()
	b := bucket{tokens: 5, last: now}
	taken := func(n int) (got int) {
		for range n {
			if b.take(10, 5, now) == nil {
				got++
			}
		}
		return got
	}
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 5}, {0, 0}, {200 * time.Millisecond, 2}, {time.Hour, 5}} {
		now = now.Add(c.after)
		if got := taken(20); got != c.want {
			t.Errorf("after %v: %d of 20 taken, want %d", c.after, got, c.want)
		}
	}
	if err := b.take(10, 5, now); !errors.As(err, new(*Refusal)) {
		t.Errorf("beyond the rate: %v", err)
	}
}

func TestReloadTakesEffectAtOnce(t *testing.T) {
	store := newMemory()
	a := New(Options{Config: DefaultConfig(), Paths: store})
	stranger := Credentials{UID: 4242, GID: 4242}
	refusedFor(t, store, a.TakeReport(stranger, grown(nil)), ReasonUID, "uid 4242")
	config := DefaultConfig()
	config.Callers = []Caller{{UIDs: []uint32{4242}, Rate: 1, Burst: 1, MaxPaths: 1, MaxCwnd: 1 << 20}}
	a.Reload(config)
	if o := a.TakeReport(stranger, grown(nil)); o.Result != Stored {
		t.Errorf("got %s, %v", o.Result, o.Err)
	}
}

type noted struct{ outcomes []Outcome }

func (n *noted) Reported(o Outcome) { n.outcomes = append(n.outcomes, o) }

func TestOutcomesAreCountedAndTold(t *testing.T) {
	store, observer := newMemory(), &noted{}
	a := New(Options{Config: DefaultConfig(), Paths: store, Observers: []Observer{observer}})
	a.TakeReport(me(), grown(nil))
	a.TakeReport(me(), grown(cwnd(38_400)))
	a.Take([]Message{{me(), []byte("garbage")}}, nil)
	store.broken = errors.New("no room")
	a.TakeReport(me(), grown(cwnd(400_000)))
	uid := int64(me().UID)
	want := []Counted{
		{Count{uid, Stored, ""}, 1}, {Count{uid, Refused, ReasonMalformed}, 1}, {Count{uid, Refused, ReasonStore}, 1}, {Count{uid, Held, ReasonReset}, 1},
	}
	got := a.Counts()
	if len(got) != len(want) || len(observer.outcomes) != 4 {
		t.Fatalf("got %+v and %d outcomes, want %+v", got, len(observer.outcomes), want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	if first := observer.outcomes[0]; first.Path != stored(nil) || first.Report != grown(nil) || first.Who != me() {
		t.Errorf("told of %+v", first)
	}
}

func TestPolicyOffStoresNothing(t *testing.T) {
	store := newMemory()
	store.policy.Mode = resume.ModeOff
	a := New(Options{Config: DefaultConfig(), Paths: store})
	if o := a.TakeReport(me(), grown(nil)); o.Result != Held || o.Reason != ReasonOff || store.len() != 0 {
		t.Errorf("got %+v", o)
	}
}

func TestScopesFollowThePolicy(t *testing.T) {
	store := newMemory()
	a := New(Options{Config: DefaultConfig(), Paths: store})
	withCookie := func(r *resume.Report) { r.NetnsCookie = 5 }
	if o := a.TakeReport(me(), grown(withCookie)); o.Result != Stored || o.Path.Scope != 0 {
		t.Errorf("one entry for the host: %+v", o)
	}
	store.policy.Scope = resume.ScopeNetns
	if o := a.TakeReport(me(), grown(withCookie)); o.Result != Stored || o.Path.Scope != 5 {
		t.Errorf("one entry for each namespace: %+v", o)
	}
}

// choosy refuses one path and takes the others.
type choosy struct {
	*memory
	not netip.Addr
}

func (c choosy) PutAll(paths []resume.Path) (int, error) {
	for i, p := range paths {
		if p.Peer == c.not {
			return i, errors.New("no room")
		}
		if _, err := c.memory.PutAll(paths[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(paths), nil
}

func TestOnePathThatIsNotTakenLeavesTheOthers(t *testing.T) {
	peers := []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"}
	store := choosy{newMemory(), netip.MustParseAddr(peers[1])}
	a := New(Options{Config: DefaultConfig(), Paths: store})
	var batched []Message
	for _, peer := range peers {
		batched = append(batched, Message{me(), []byte(lineOf(of(peer, 300_000, at(peer))))})
	}
	outcomes := a.Take(batched, nil)
	for i, want := range []Result{Stored, Refused, Stored} {
		if outcomes[i].Result != want {
			t.Errorf("report %d was %s (%v), want %s", i+1, outcomes[i].Result, outcomes[i].Err, want)
		}
	}
	if outcomes[1].Reason != ReasonStore || store.len() != 2 {
		t.Errorf("got %+v, %d paths", outcomes[1], store.len())
	}
}
