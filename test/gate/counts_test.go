// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tcpresume/tcpresume/test/check"
)

// counts are the non-zero counters of the kernel by name.
type counts map[string]uint64

// What one connection counts when it resumes and when it closes.
var (
	resumedOnce = counts{"established": 1, "resumed": 1, "applied": 1}
	closedOnce  = counts{"closed": 1}
	// What it has seen of the path is not stored over what an operator shares or has applied.
	closedWiser = counts{"closed": 1, "learnt_operator_stands": 1}
	closedEarly = counts{"closed": 1, "closed_while_resuming": 1} // before its window was sent
)

// fates are counted by tracepoints, of the network as much as of the gate: watch_test.go.
var fates = []string{"segments_retransmitted", "reset_sent", "reset_received"}

func (s *stage) read(t testing.TB) counts {
	t.Helper()
	now, err := loaded.Counters()
	check.Must(t, err)
	for _, name := range fates {
		delete(now, name)
	}
	return now
}

func (c counts) since(earlier counts) counts {
	delta := make(counts)
	for name, value := range c {
		if value != earlier[name] {
			delta[name] = value - earlier[name]
		}
	}
	return delta
}

// plus adds up what several connections are expected to count.
func (c counts) plus(others ...counts) counts {
	sum := make(counts)
	for _, each := range append(others, c) {
		for name, value := range each {
			sum[name] += value
		}
	}
	return sum
}

func (c counts) times(n uint64) counts {
	product := make(counts)
	for name, value := range c {
		product[name] = value * n
	}
	return product
}

// expect compares everything that was counted since the last call. It waits a
// little, because the end of a connection reaches the kernel when packets do.
func (s *stage) expect(t testing.TB, want counts) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		now := s.read(t)
		diff := cmp.Diff(want.since(nil), now.since(s.seen))
		if diff == "" || time.Now().After(end) {
			if diff != "" {
				t.Errorf("counters (-want +got):\n%s", diff)
			}
			s.seen = now
			break
		}
	}
	s.balanced(t)
}

// balanced checks the law of struct resume_stats: every connection seen left
// the gate by exactly one way.
func (s *stage) balanced(t testing.TB) {
	t.Helper()
	all, err := s.Store.Counters()
	check.Must(t, err)
	var ways uint64
	for _, counter := range all[1:] {
		ways += counter.Value
		if counter.Name == "cwnd_only" {
			break
		}
	}
	if all[0].Name != "established" || all[0].Value != ways {
		t.Errorf("%d connections %s, %d ways out", all[0].Value, all[0].Name, ways)
	}
}
