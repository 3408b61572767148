// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const quiet = 2 * time.Second // without a message there are none

// read takes messages in their order. The first pending ones were there before:
// with them this agent catches up, and only then publishes, so that what it kept
// meanwhile does not cover what is newer.
func (f *Fleet) read(ctx context.Context, messages jetstream.MessagesContext, pending uint64, at *position) error {
	f.joining(0, pending)
	logged := time.Now()
	if pending == 0 {
		f.joined(0)
	}
	for n := uint64(1); ; n++ {
		m, err := messages.Next(jetstream.NextMaxWait(quiet))
		if errors.Is(err, nats.ErrTimeout) {
			if n--; !f.live.Load() { // the last of the pending ones expired meanwhile
				f.joined(n)
			}
			continue
		}
		switch {
		case ctx.Err() != nil, errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return nil // the connection broke, which has been told, or this is the end
		case err != nil:
			return fmt.Errorf("reading the bucket: %w", err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("reading the bucket: %w", err)
		}
		if meta.Sequence.Consumer != n {
			return fmt.Errorf("reading the bucket: message %d is missing", n)
		}
		f.apply(m.Subject(), m.Headers(), m.Data(), meta.Timestamp)
		at.seq = meta.Sequence.Stream
		if meta.NumPending == 0 && !f.live.Load() {
			f.joined(n)
		}
		if n < pending && (n%1024 == 0 || time.Since(logged) > progressLog) {
			f.joining(n, pending)
			if time.Since(logged) > progressLog {
				logged = time.Now()
				f.opts.Log("fleet: %d of %d changes taken", n, pending)
			}
		}
	}
}
