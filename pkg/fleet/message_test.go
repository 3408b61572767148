// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestKeys(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7": "v4.203.0.113.7", "::ffff:203.0.113.7": "v4.203.0.113.7",
		"2001:db8::7": "v6.2001.db8.0.0.0.0.0.7", "2001:db8:1:2:3:4:5:6": "v6.2001.db8.1.2.3.4.5.6",
	} {
		peer := netip.MustParseAddr(text)
		if got := Key(peer); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if back, err := ParseKey(want); err != nil || back != peer.Unmap() {
			t.Errorf("%s: %v, %v", want, back, err)
		}
	}
	for _, wrong := range []string{
		"", "v4.", "v4.1.2.3", "v4.1.2.3.4.5", "v4.1.2.3.256", "v4.1.2.3.04", "v4.0.0.0.0", "v4.255.255.255.255",
		"v6.", "v6.1.2.3", "v6.2001.db8.0.0.0.0.0.07", "v6.2001.DB8.0.0.0.0.0.7", "v6.0.0.0.0.0.ffff.cb00.7107", "v6.ff02.0.0.0.0.0.0.1",
		"v6.2001.db8..7", "node.one", "203.0.113.7",
	} {
		if peer, err := ParseKey(wrong); err == nil {
			t.Errorf("%q became %v", wrong, peer)
		}
	}
}

func TestMessages(t *testing.T) {
	for _, c := range []Change{
		{Op: OpPut, From: "edge-17", Run: "ab", N: 1, At: 1, TTL: time.Minute, Cwnd: 1, Mode: resume.ModeExact, Source: resume.SourceLearnt},
		{
			Op: OpPut, From: "a", Run: "0", N: 1 << 40, At: 1_700_000_000_000_000, TTL: resume.MaxTTL, Cwnd: 1<<32 - 1, Ssthresh: 1<<32 - 1,
			RTT: (1<<32 - 1) * time.Microsecond, Mode: resume.ModePolicy, Source: resume.SourceApplication,
		},
		{Op: OpClaim, From: "a", Run: "0", N: 2, At: 5, TTL: time.Millisecond},
		{Op: OpGone, From: "a", Run: "0", N: 3, At: 5, TTL: time.Hour, Why: "packet_loss"},
	} {
		text := c.Append(nil)
		back, err := ParseChange(text)
		if err != nil || back != c {
			t.Errorf("%s\n  became %+v, %v\n  want   %+v", text, back, err, c)
		}
	}
}

// Whatever arrives, what is accepted can be told to others and says the same.
func FuzzParseChange(f *testing.F) {
	f.Add(Change{Op: OpPut, From: "edge-17", Run: "ab", N: 1, At: 1, TTL: time.Minute, Cwnd: 1, Mode: resume.ModeExact, Source: resume.SourceLearnt}.Append(nil))
	f.Add(Change{Op: OpGone, From: "a", Run: "0", N: 3, At: 5, TTL: time.Hour, Why: "packet_loss"}.Append(nil))
	f.Add([]byte(`{"v":2}`))
	f.Add([]byte(`{"v":1,"op":"put","x":[{"y":"\u0000"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseChange(text)
		if err != nil {
			return
		}
		again, err := ParseChange(c.Append(nil))
		if err != nil || again != c {
			t.Errorf("%q became %+v, then %+v, %v", text, c, again, err)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add("v4.203.0.113.7")
	f.Add("v6.2001.db8.0.0.0.0.0.7")
	f.Fuzz(func(t *testing.T, key string) {
		if peer, err := ParseKey(key); err == nil && Key(peer) != key {
			t.Errorf("%q is a second key of %v", key, peer)
		}
	})
}

// Machines whose wall clocks differ by years agree on what came first, and on
// how long is left.
func TestClocksThatDiffer(t *testing.T) {
	server := time.Now().Add(-3 * 365 * 24 * time.Hour)
	began := time.Now()
	serverNow := func() time.Time { return server.Add(time.Since(began)) }
	one, two := newClock(), newClock()
	two.began = two.began.Add(-time.Hour) // its process is older
	for _, c := range []*clock{one, two} {
		before := c.now()
		c.compare(serverNow(), before, c.now())
	}
	happened := one.now()
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
	at := two.meant(one.told(happened))
	ago := time.Duration(two.now()-at) - time.Duration(one.now()-happened)
	if limit := time.Duration(one.slack() + two.slack()); ago > limit || ago < -limit {
		t.Errorf("two dates it %v off", ago)
	}
	if lay := two.lay(serverNow().Add(-time.Minute)); lay < time.Minute-time.Second || lay > time.Minute+time.Second {
		t.Errorf("it lay %v, want a minute", lay)
	}
	before := one.now()
	one.compare(serverNow().Add(time.Hour), before, one.now()) // the server's clock was set
	if got := one.told(one.now()) - serverNow().Add(time.Hour).UnixMicro(); got > 1e6 || got < -1e6 {
		t.Errorf("a step of the server's clock was missed by %d µs", got)
	}
}
