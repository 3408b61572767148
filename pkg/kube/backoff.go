// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff waits twice as long each time, within a factor of two of chance, so
// that a fleet does not come back to a restarted API server in one moment.
type backoff struct {
	timing timing
	next   time.Duration
}

func (b *backoff) reset() { b.next = 0 }

func (b *backoff) pause(ctx context.Context) {
	b.next = min(max(2*b.next, b.timing.firstWait), b.timing.lastWait)
	select {
	case <-ctx.Done():
	case <-time.After(b.next/2 + rand.N(b.next/2)):
	}
}
