// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// sendDatagrams sends packets of the given size from server to client as fast as
// the machine can.
func sendDatagrams(t *testing.T, l *Lab, packets, size int) {
	t.Helper()
	const headers, discardPort = 20 + 8, 9
	already := l.Stats().ToClient.Packets
	var conn *net.UDPConn
	err := l.Server.Do(func() error {
		var err error
		to := netip.AddrPortFrom(l.Client.IPv4, discardPort)
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	payload := make([]byte, size-headers)
	for range packets {
		// The client's kernel answers that the port is closed, which fails one
		// later write each time.
		for _, err := conn.Write(payload); err != nil; _, err = conn.Write(payload) {
			if !errors.Is(err, unix.ECONNREFUSED) {
				t.Fatal(err)
			}
		}
	}
	waitForPackets(t, l, already+uint64(packets))
}

func waitForPackets(t *testing.T, l *Lab, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); l.Stats().ToClient.Packets < want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d packets left the server, want %d", l.Stats().ToClient.Packets, want)
		}
	}
}

func TestQueueDropsWhatItCannotHold(t *testing.T) {
	// At this rate no packet leaves the queue during the test.
	l := newLab(t, Path{Rate: 10e3, Queue: 10_000})
	sendDatagrams(t, l, 50, 1000)
	want := Counters{Packets: 50, Bytes: 50_000, QueueDrops: 40}
	got := l.Stats().ToClient
	got.Late = Counters{}.Late // tells of the machine
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestSameSeedLosesSamePackets(t *testing.T) {
	lost := func(seed uint64) Counters {
		l := newLab(t, Path{Rate: 1e9, Queue: 10e6, Loss: 0.1, Seed: seed})
		sendDatagrams(t, l, 1000, 100)
		return l.Stats().ToClient
	}
	first, again, other := lost(1), lost(1), lost(2)
	if first.LossDrops < 50 || first.LossDrops > 150 {
		t.Errorf("%d of 1000 packets lost, want about 100", first.LossDrops)
	}
	if first.LossDrops != again.LossDrops {
		t.Errorf("same seed lost %d, then %d packets", first.LossDrops, again.LossDrops)
	}
	if first.LossDrops == other.LossDrops {
		t.Errorf("seeds 1 and 2 both lost %d packets", first.LossDrops)
	}
}

func TestCutPathDropsEverything(t *testing.T) {
	l := newLab(t, Path{Rate: 1e9})
	l.Cut(true)
	sendDatagrams(t, l, 5, 100)
	l.Cut(false)
	sendDatagrams(t, l, 3, 100)
	want := Counters{Packets: 8, Bytes: 800, CutDrops: 5}
	got := l.Stats().ToClient
	got.Late = Counters{}.Late // tells of the machine
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}
