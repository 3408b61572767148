// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tcpresume/tcpresume/pkg/fleet"
)

// measureFuzz publishes wrong messages by a right user, as one that was taken
// over could.
func measureFuzz(ctx context.Context, o options) error {
	p, err := newPair(ctx, nil)
	if err != nil {
		return err
	}
	defer p.close()
	nc, err := nats.Connect(p.bus.url())
	if err != nil {
		return err
	}
	defer nc.Close()
	began, right := time.Now(), 0
	for i := 0; i < o.fuzz; i++ {
		key, text := wrong()
		if _, err := fleet.ParseKey(key); err == nil {
			if _, err := fleet.ParseChange(text); err == nil {
				right++ // what is not wrong would have an effect
				i--
				continue
			}
		}
		if err := nc.Publish("$KV.tcpresume_measure."+key, text); err != nil {
			return err
		}
		if i%1000 == 0 { // no faster than the server keeps them
			if err := nc.Flush(); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	quiet := uint64(0)
	if err := until(2*patience, func() bool {
		time.Sleep(time.Second)
		was := quiet
		quiet = p.b.fleet.Status().Counts["in"]
		return quiet == was
	}); err != nil {
		return err
	}
	s := p.b.fleet.Status()
	entries, err := p.b.contents()
	if err != nil {
		return err
	}
	o.book.Add(float64(len(entries)), "entries", "fleet", "wrong messages")
	o.head("messages", "seconds", "taken by B", "malformed", "other version", "forged, refused or expired", "entries", "state afterwards")
	o.row(o.fuzz, fmt.Sprintf("%.1f", time.Since(began).Seconds()), s.Counts["in"], s.Counts["in_malformed"], s.Counts["in_other_version"],
		s.Counts["in_forged"]+s.Counts["in_refused"]+s.Counts["in_expired"], len(entries), s.State)
	fmt.Fprintf(o.book, "\n%d mutations that were right by chance were left out.\n", right)
	return nil
}

const template = `{"v":1,"op":"put","from":"other","run":"abc","n":1,"at_us":1,"ttl_ms":60000,"cwnd":300000,"ssthresh":1,"min_rtt_us":80000,"mode":"policy","source":"application"}`

// wrong mutates a key or a message: bytes changed, cut out, doubled, or random.
func wrong() (string, []byte) {
	peer := peerN(rand.IntN(1 << 16))
	key, text := fleet.Key(peer), []byte(template)
	for range 1 + rand.IntN(4) {
		i, j := rand.IntN(len(text)), rand.IntN(len(text))
		i, j = min(i, j), max(i, j)
		switch rand.IntN(6) {
		case 0:
			text[i] = byte(rand.IntN(256))
		case 1:
			text = append(text[:i:i], text[j:]...)
		case 2:
			text = append(text[:j:j], text[i:]...)
		case 3:
			text[i] ^= 1 << rand.IntN(8)
		case 4:
			text = append(text[:i:i], append([]byte(`,"cwnd":-1e9`), text[i:]...)...)
		case 5:
			for k := i; k < min(j, i+16); k++ {
				text[k] = byte(rand.IntN(256))
			}
		}
		if len(text) == 0 {
			text = []byte{'{'}
		}
	}
	if rand.IntN(20) == 0 {
		key = key[:rand.IntN(len(key)-3)+3] + string(rune('0'+rand.IntN(10)))
	}
	return key, text
}
