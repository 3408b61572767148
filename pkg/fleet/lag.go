// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"slices"
	"sync"
	"time"
)

const lagSamples = 4096

// lag is how long own changes take from the look at the map to their return from
// the bucket, by one clock: no agent gets them sooner by much.
type lag struct {
	mu    sync.Mutex
	begun [lagSamples]struct {
		n  uint64
		at int64
	}
	took [lagSamples]time.Duration
	n    int
}

func (l *lag) begin(n uint64, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun[n%lagSamples].n, l.begun[n%lagSamples].at = n, at
}

func (l *lag) end(n uint64, now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := &l.begun[n%lagSamples]; b.n == n {
		l.took[l.n%lagSamples] = time.Duration(now - b.at)
		l.n++
		b.n = 0
	}
}

// quantiles are of the latest few thousand changes; zero: there were none.
func (l *lag) quantiles(of ...float64) []time.Duration {
	l.mu.Lock()
	took := slices.Clone(l.took[:min(l.n, lagSamples)])
	l.mu.Unlock()
	slices.Sort(took)
	values := make([]time.Duration, len(of))
	for i, q := range of {
		if len(took) > 0 {
			values[i] = took[min(len(took)-1, int(q*float64(len(took))))]
		}
	}
	return values
}
