// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func BenchmarkTake(b *testing.B) {
	config := DefaultConfig()
	config.Callers = []Caller{{UIDs: []uint32{me().UID}, Rate: 1 << 40, Burst: 1 << 40, MaxPaths: 1 << 20, MaxCwnd: 1 << 30}}
	a := New(Options{Config: config, Paths: newMemory()})
	lines, outcomes, who := make([]Message, 10_000), []Outcome(nil), me()
	for i := range lines {
		lines[i] = Message{who, []byte(lineOf(func(r *resume.Report) {
			r.ID = fmt.Sprint("connection", i)
			addr := r.Peer.As4()
			addr[2], addr[3] = byte(i>>8), byte(i)
			at(fmt.Sprintf("203.0.%d.%d", addr[2], addr[3]))(r)
		}))}
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		batched := lines[i%(len(lines)-batch):][:batch]
		if outcomes = a.Take(batched, outcomes); outcomes[0].Result != Stored {
			b.Fatal(outcomes[0])
		}
		i += batch
	}
}
