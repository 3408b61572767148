// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"
)

func TestRoundTripTimeIsThePaths(t *testing.T) {
	for _, rtt := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond} {
		t.Run(rtt.String(), func(t *testing.T) {
			l := newLab(t, Path{RTT: rtt, Rate: 100e6})
			const rounds = 50
			times := handshakes(t, l, rounds)
			least, median, p90 := times[0], times[rounds/2], times[rounds*9/10]
			t.Logf("between hosts: mean %v, least %v, median %v, largest %v", mean(times), least, median, times[rounds-1])
			if least < rtt {
				t.Errorf("least round trip %v is below the path's %v", least, rtt)
			}
			if late := median - rtt; late > 2*time.Millisecond {
				t.Errorf("median round trip is %v above the path's %v", late, rtt)
			}
			if late := p90 - rtt; late > 10*time.Millisecond {
				t.Errorf("90th percentile is %v above the path's %v", late, rtt)
			}
		})
	}
}

// handshakes returns, in ascending order, the times between a client's SYN and the
// ACK that ends the handshake: the kernel answers at once, so that the times hold
// however busy the machine is with other programs.
func handshakes(t *testing.T, l *Lab, rounds int) []time.Duration {
	t.Helper()
	listener, err := l.Server.Listen(context.Background(), ListenSpec{})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var syn time.Duration
	times := make(chan time.Duration, rounds)
	l.toServer.Observe(func(at time.Duration, raw []byte) {
		const synOnly, ackOnly = 0x02, 0x10
		switch p := dissect(at, raw); {
		case p.Flags == synOnly:
			syn = at
		case p.Flags == ackOnly && syn != 0:
			times <- at - syn
			syn = 0
		}
	})
	var sorted []time.Duration
	for range rounds {
		conn, err := l.Client.Dial(context.Background(), DialSpec{Addr: portOf(listener, l.Server.IPv4)})
		if err != nil {
			t.Fatal(err)
		}
		sorted = append(sorted, <-times)
		conn.Close()
	}
	slices.Sort(sorted)
	return sorted
}

// TestPingPongTakesTheRoundTripTime holds the least time only against the path,
// because the others tell what else the machine does.
func TestPingPongTakesTheRoundTripTime(t *testing.T) {
	const rtt, rounds = 10 * time.Millisecond, 200
	l := newLab(t, Path{RTT: rtt, Rate: 100e6})
	client, server := connect(t, l, ListenSpec{}, DialSpec{})
	times := roundTrips(t, client, server, rounds)
	t.Logf("between programs: mean %v, least %v, median %v, 99th percentile %v",
		mean(times), times[0], times[rounds/2], times[rounds*99/100])
	if least := times[0]; least < rtt || least > rtt+2*time.Millisecond {
		t.Errorf("least round trip %v, want the path's %v", least, rtt)
	}
}

// TestTransferRunsAtThePathsRate takes the rate from the client's ACKs as they
// leave the client: the kernel sends them at once, whatever else the machine does.
func TestTransferRunsAtThePathsRate(t *testing.T) {
	const rate, size = 100e6, 20e6
	// A queue that never overflows: filled holes would look like a higher rate.
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: rate, Queue: 100e6})
	// All of the response waits in that queue at once, so that the server's
	// program need not keep up.
	if err := l.Server.RouteInitCwnd(l.Client.IPv4, size/1000); err != nil {
		t.Fatal(err)
	}
	var first, quarter, end Packet
	l.toServer.Observe(func(at time.Duration, raw []byte) {
		p := dissect(at, raw)
		switch acked := p.Ack - first.Ack; {
		case first.Ack == 0:
			first = p
		case acked < size/4:
			quarter = p
		case acked < size*3/4:
			end = p
		}
	})
	result, err := l.Fetch(context.Background(), ListenSpec{CC: "cubic"}, Fetch{Bytes: size})
	if err != nil {
		t.Fatal(err)
	}
	l.toServer.Observe(nil)
	payload := float64(end.Ack-quarter.Ack) * 8 / (end.At - quarter.At).Seconds()
	wire := payload * 1500 / 1448
	t.Logf("%.3f Mbit/s on the wire; %v", wire/1e6, result)
	link := result.Link
	if late := link.ToClient.Late.Over(time.Millisecond) + link.ToServer.Late.Over(time.Millisecond); late > link.ToClient.Packets/200 {
		t.Skipf("the machine is too busy to judge: %d packets were late", late)
	}
	if off := math.Abs(wire/rate - 1); off > 0.02 {
		t.Errorf("rate %.2f Mbit/s is %.1f %% off the path's %.0f Mbit/s", wire/1e6, 100*off, rate/1e6)
	}
}
