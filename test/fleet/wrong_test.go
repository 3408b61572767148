// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

const subject = "$KV.tcpresume_test."

// stranger publishes what it likes.
func stranger(t *testing.T, b *bus) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(b.ClientURL())
	check.Must(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// put is the message of another agent, with fields changed.
func put(changes ...string) string {
	text := fmt.Sprintf(`{"v":1,"op":"put","from":"other","run":"abc","n":1,"at_us":%d,"ttl_ms":60000,"cwnd":300000,"min_rtt_us":80000,"mode":"policy","source":"application"}`, time.Now().UnixMicro())
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			panic(changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

func TestWrongMessagesChangeNothingAndAreNamed(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	c.In = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	m := join(t, c).live(t)
	m.report(t, peer4, 200_000)
	check.Eventually(t, patience, "publishing", func() bool { return m.Status().Counts["in_own"] == 1 })
	nc := stranger(t, b)
	for _, wrong := range []struct{ key, text, count, why string }{
		{"v4.203.0.113.1", "", "in_malformed", ""},
		{"v4.203.0.113.1", "\x00\xff", "in_malformed", ""},
		{"v4.203.0.113.1", put(`"put"`, `"PUT"`), "in_malformed", "is not a change"},
		{"v4.203.0.113.1", put(`"cwnd":300000,`, ``), "in_malformed", "cwnd is missing"},
		{"v4.203.0.113.1", put(`300000`, `-1`), "in_malformed", "not a number"},
		{"v4.203.0.113.1", put(`300000`, `4294967296`), "in_malformed", "not a number"},
		{"v4.203.0.113.1", put(`"from":"other"`, `"from":"o/t\"her"`), "in_malformed", "must name the sender"},
		{"v4.203.0.113.1", put(`"ttl_ms":60000,`, ``), "in_malformed", "ttl_ms is missing"},
		{"v4.203.0.113.1", put(`policy`, `turbo`), "in_malformed", "is not a mode"},
		{"v4.203.0.113.1", put(`"n":1`, `"n":1,"x":"`+strings.Repeat("x", 1000)+`"`), "in_malformed", "at most 1024"},
		{"v4.203.0.113.1", put(`"v":1`, `"v":2`), "in_other_version", "this agent reads 1"},
		{"v4.203.0.113.01", put(), "in_malformed", "no key of a peer"},
		{"v4.203.0.113", put(), "in_malformed", "no key of a peer"},
		{"v4.224.0.0.1", put(), "in_malformed", "not a unicast address"},
		{"v6.2001.0db8.0.0.0.0.0.1", put(), "in_malformed", "no key of a peer"},
		{"v4.198.51.100.1", put(), "in_refused", "none of the prefixes"},
	} {
		before := m.Status()
		check.Must(t, nc.Publish(subject+wrong.key, []byte(wrong.text)))
		check.Eventually(t, patience, wrong.text, func() bool { return m.Status().Counts[wrong.count] == before.Counts[wrong.count]+1 })
		after := m.Status()
		last := after.Rejected[len(after.Rejected)-1]
		if last.What != wrong.count || last.Key != wrong.key || !strings.Contains(last.Why, wrong.why) {
			t.Errorf("%.90s: rejected as %+v, want %s: ...%s...", wrong.text, last, wrong.count, wrong.why)
		}
	}
	check.Same(t, "paths", m.maps.contents(), map[netip.Addr]resume.Bytes{peer4: 200_000})
	if s := m.Status(); s.State != fleet.StateLive || len(s.Rejected) != 8 {
		t.Errorf("state %s, %d rejections kept", s.State, len(s.Rejected))
	}
}

// Who copies a process's name and number does not get by as itself.
func TestAForgedMessage(t *testing.T) {
	b := newBus(t, nil)
	m := join(t, config(b, "one")).live(t)
	nc := stranger(t, b)
	copied := make(chan *nats.Msg, 10)
	_, err := nc.ChanSubscribe(subject+"v4.>", copied)
	check.Must(t, err)
	check.Must(t, nc.Flush())
	m.report(t, peer4, 200_000)
	message := <-copied
	sent, err := fleet.ParseChange(message.Data)
	check.Must(t, err)
	sent.Op, sent.Why, sent.N = fleet.OpGone, "packet_loss", sent.N+1
	check.Must(t, nc.Publish(message.Subject, sent.Append(nil)))
	check.Eventually(t, patience, "noticing", func() bool { return m.Status().Counts["in_forged"] == 1 })
	if !m.has(peer4, 200_000) {
		t.Error("the entry is gone")
	}
}

// Fields of newer agents are skipped, and what an older one lacks is not missed.
func TestOlderAndNewerAgents(t *testing.T) {
	b := newBus(t, nil)
	m := join(t, config(b, "one")).live(t)
	nc := stranger(t, b)
	check.Must(t, nc.Publish(subject+fleet.Key(peer4), []byte(put(`"n":1`, `"n":1,"colour":{"of":["the","path"]},"x":1.5e9`))))
	check.Eventually(t, patience, "a newer agent's path", func() bool { return m.has(peer4, 300_000) })
	check.Must(t, nc.Publish(subject+fleet.Key(peer6), []byte(put(`"min_rtt_us":80000,`, ``))))
	check.Eventually(t, patience, "an older agent's path", func() bool { return m.has(peer6, 300_000) })
}

// What another machine says is cut to what the operator allows.
func TestCaps(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	c.MaxCwnd, c.Lifetime, c.MaxPaths = 250_000, time.Minute, 2
	m := join(t, c).live(t)
	nc := stranger(t, b)
	text := put(`policy`, `exact`, `"cwnd"`, `"ssthresh":4000000000,"cwnd"`, `60000`, `3600000`)
	check.Must(t, nc.Publish(subject+fleet.Key(peer4), []byte(text)))
	check.Eventually(t, patience, "the path", func() bool { return m.has(peer4, 250_000) })
	e, err := m.maps.Get(peer4, 0)
	check.Must(t, err)
	want := resume.Path{
		Peer: peer4, Cwnd: 250_000, Ssthresh: 250_000, RTT: 80 * time.Millisecond, TTL: e.TTL,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceFleet,
	}
	if diff := cmp.Diff(want, e.Path, cmp.Comparer(func(x, y netip.Addr) bool { return x == y })); diff != "" || e.TTL > time.Minute {
		t.Errorf("ttl %v, path (-want +got):\n%s", e.TTL, diff)
	}
	check.Must(t, nc.Publish(subject+fleet.Key(peerN(1)), []byte(put())))
	check.Must(t, nc.Publish(subject+fleet.Key(peerN(2)), []byte(put())))
	check.Eventually(t, patience, "the third to be too much", func() bool { return m.Status().Counts["in_full"] == 1 })
	check.Same(t, "paths", len(m.maps.contents()), 2)
}

// What may not leave stays.
func TestPrefixesThatLeave(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	c.Out = nil // global addresses
	one, two := join(t, c).live(t), join(t, config(b, "two")).live(t)
	for _, private := range []string{"10.0.0.1", "192.168.1.1", "fd00::1", "fe80::1", "127.0.0.1", "100.64.1.1", "198.18.0.1", "64:ff9b:1::1"} {
		one.report(t, netip.MustParseAddr(private), 300_000)
	}
	one.report(t, peer4, 300_000)
	check.Eventually(t, patience, "the global one", func() bool { return two.has(peer4, 300_000) })
	check.Same(t, "paths", len(two.maps.contents()), 1)
	one.counted(t, map[string]uint64{"out_kept": 8, "out_put": 1})
}

// The tools of NATS can delete, too.
func TestDeletionByATool(t *testing.T) {
	b := newBus(t, nil)
	one, two := join(t, config(b, "one")).live(t), join(t, config(b, "two")).live(t)
	one.report(t, peer4, 300_000)
	check.Eventually(t, patience, "the path", func() bool { return two.has(peer4, 300_000) })
	js, err := stranger(t, b).JetStream()
	check.Must(t, err)
	bucket, err := js.KeyValue("tcpresume_test")
	check.Must(t, err)
	check.Must(t, bucket.Delete(fleet.Key(peer4)))
	check.Eventually(t, patience, "the deletion", func() bool { return one.lacks(peer4) && two.lacks(peer4) })
}
