// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

// A bucket that cannot serve is named with what is wrong with it, by the doctor
// and by the agent: nothing of it is a matter of rights.
func TestBucketsThatCannotServe(t *testing.T) {
	right := jetstream.StreamConfig{
		Name: "KV_tcpresume_test", Subjects: []string{subject + ">"}, Storage: jetstream.MemoryStorage,
		MaxMsgsPerSubject: 1, AllowMsgTTL: true, AllowDirect: true, AllowRollup: true, Discard: jetstream.DiscardOld,
	}
	for name, c := range map[string]struct {
		change func(*jetstream.StreamConfig)
		words  string
		alone  bool // the agent does not work with it
	}{
		"full, discards what is new": {func(s *jetstream.StreamConfig) { s.Discard, s.MaxBytes = jetstream.DiscardNew, 1000 }, "discard", true},
		"discards what is new":       {func(s *jetstream.StreamConfig) { s.Discard = jetstream.DiscardNew }, "discard", true},
		"too small messages":         {func(s *jetstream.StreamConfig) { s.MaxMsgSize = 100 }, "max-msg-size", true},
		"no consumers":               {func(s *jetstream.StreamConfig) { s.MaxConsumers = 1 }, "consumers", true},
		"messages go once read":      {func(s *jetstream.StreamConfig) { s.Retention = jetstream.WorkQueuePolicy }, "retention", true},
		"no confirmations":           {func(s *jetstream.StreamConfig) { s.NoAck = true }, "ack", true},
		"forgets early":              {func(s *jetstream.StreamConfig) { s.MaxAge = 60_000_000_000 }, "max-age", false},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t, nil)
			js, err := jetstream.New(stranger(t, b))
			check.Must(t, err)
			made := right
			c.change(&made)
			stream, err := js.CreateStream(t.Context(), made)
			check.Must(t, err)
			if made.MaxBytes > 0 {
				for i := range 100 {
					_, _ = js.Publish(t.Context(), subject+fleet.Key(peerN(i)), []byte(put()))
				}
			}
			if made.MaxConsumers > 0 {
				_, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{})
				check.Must(t, err)
			}
			ours := config(b, "one")
			named := false
			for _, f := range fleet.Diagnose(t.Context(), ours) {
				if f.OK && !f.Warn {
					continue
				}
				text := f.Detail + " -> " + f.Remedy
				named = named || strings.Contains(text, c.words)
				if f.Remedy == "" || strings.Contains(f.Remedy, "rights") || strings.Contains(f.Remedy, "let this machine") {
					t.Errorf("doctor: %s: %s", f.Check, text)
				}
			}
			if !named {
				t.Errorf("doctor does not speak of %s: %+v", c.words, fleet.Diagnose(t.Context(), ours))
			}
			m := join(t, ours)
			check.Eventually(t, patience, "a state", func() bool {
				s := m.Status()
				if c.alone {
					return s.State == fleet.StateAlone && strings.Contains(s.Error, c.words)
				}
				return s.State == fleet.StateLive
			})
		})
	}
}

// What the server refuses for want of room is not called a matter of rights.
func TestAFullServer(t *testing.T) {
	b := newBus(t, nil)
	b.stop()
	b.opts.JetStreamMaxMemory = 3000
	b.start(t)
	js, err := jetstream.New(stranger(t, b))
	check.Must(t, err)
	ours := config(b, "one")
	ours.MaxBytes = 2500
	join(t, ours).live(t).stop()
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "other", Subjects: []string{"other.>"}, Storage: jetstream.MemoryStorage})
	check.Must(t, err)
	for range 100 {
		_, _ = js.Publish(t.Context(), "other.x", make([]byte, 100))
	}
	for _, f := range fleet.Diagnose(t.Context(), ours) {
		if strings.Contains(f.Detail, "insufficient") && (strings.Contains(f.Remedy, "rights") || strings.Contains(f.Remedy, "let this machine") || f.Remedy == "right if this machine shall publish some prefixes only, or nothing") {
			t.Errorf("doctor: %+v", f)
		}
	}
}
