// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// BenchmarkColdCubic shows what plain TCP needs, the figures that every resumed
// connection is compared with.
func BenchmarkColdCubic(b *testing.B) {
	fast := Path{RTT: 100 * time.Millisecond, Rate: 100e6}
	far := Path{RTT: 300 * time.Millisecond, Rate: 20e6}
	for _, path := range []Path{fast, shallow(fast), far, shallow(far)} {
		path = path.withDefaults()
		name := fmt.Sprintf("%v/%dMbit/queue=%.2fBDP", path.RTT, path.Rate/1e6, float64(path.Queue)/float64(path.BDP()))
		b.Run(name, func(b *testing.B) {
			l := newLab(b, path)
			var sum Result
			for b.Loop() {
				result, err := l.Fetch(context.Background(), ListenSpec{CC: "cubic"}, Fetch{Bytes: 1e6})
				if err != nil {
					b.Fatal(err)
				}
				sum.Elapsed += result.Elapsed
				sum.Ratio += result.Ratio
				sum.Retransmits += result.Retransmits
			}
			runs := float64(b.N)
			b.ReportMetric(milliseconds(sum.Elapsed)/runs, "ms")
			b.ReportMetric(sum.Ratio/runs, "x-ideal")
			b.ReportMetric(float64(sum.Retransmits)/runs, "retransmits")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func shallow(p Path) Path {
	p.Queue = p.BDP() / 4
	return p
}
