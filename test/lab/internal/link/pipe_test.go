// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// socketPair stands in for a TUN device: it keeps packet boundaries and needs no
// privilege.
func socketPair(t testing.TB) (ours, pipes int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	if err := unix.SetNonblock(pair[1], true); err != nil {
		t.Fatal(err)
	}
	return pair[0], pair[1]
}

func startPipe(t testing.TB, config Config) (pipe *Pipe, in, out int) {
	t.Helper()
	in, from := socketPair(t)
	out, to := socketPair(t)
	pipe, err := Start(Ends{From: from, To: to, MTU: 1500, Start: time.Now()}, config, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pipe.Stop(); err != nil {
			t.Error(err)
		}
	})
	return pipe, in, out
}

func unicastPacket(number byte) []byte {
	return append([]byte{0x45, 19: 1}, number)
}

func TestPipeKeepsOrderAndDelay(t *testing.T) {
	const delay = 20 * time.Millisecond
	_, in, out := startPipe(t, Config{Rate: 1e9, Queue: 1e6, Delay: delay})
	start := time.Now()
	const packets = 100
	for n := range packets {
		if _, err := unix.Write(in, unicastPacket(byte(n))); err != nil {
			t.Fatal(err)
		}
	}
	buffer := make([]byte, 1500)
	for n := range packets {
		size, err := unix.Read(out, buffer)
		if err != nil {
			t.Fatal(err)
		}
		if got := buffer[size-1]; got != byte(n) {
			t.Fatalf("packet %d arrived as number %d", got, n)
		}
		if n == 0 && time.Since(start) < delay {
			t.Errorf("first packet arrived after %v, want %v or more", time.Since(start), delay)
		}
	}
}

func TestPipeIgnoresMulticast(t *testing.T) {
	pipe, in, out := startPipe(t, Config{Rate: 1e9, Queue: 1e6})
	multicast6 := make([]byte, 40)
	multicast6[0], multicast6[24] = 0x60, 0xff
	multicast4 := unicastPacket(0)
	multicast4[16] = 224
	for _, packet := range [][]byte{multicast6, multicast4, {0x45}, unicastPacket(7)} {
		if _, err := unix.Write(in, packet); err != nil {
			t.Fatal(err)
		}
	}
	buffer := make([]byte, 1500)
	if size, err := unix.Read(out, buffer); err != nil || buffer[size-1] != 7 {
		t.Errorf("got packet %v, %v", buffer[:size], err)
	}
	if got := pipe.Counters().Packets; got != 1 {
		t.Errorf("counted %d packets, want 1", got)
	}
}

func TestStopReportsWhatWentWrong(t *testing.T) {
	in, from := socketPair(t)
	const closed = -1
	pipe, err := Start(Ends{From: from, To: closed, MTU: 1500, Start: time.Now()}, Config{Rate: 1e9, Queue: 1e6}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(in, unicastPacket(1)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if err := pipe.Stop(); !errors.Is(err, unix.EBADF) {
		t.Errorf("got %v, want the failed write", err)
	}
}

func BenchmarkOfferAndDeliver(b *testing.B) {
	null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(null)
	p := &Pipe{
		ends:    Ends{To: null, Start: time.Now()},
		shaper:  newShaper(Config{Rate: 1e9, Queue: 1e6}, 1),
		buffers: buffers{size: 1500},
	}
	b.ReportAllocs()
	for now := time.Duration(0); b.Loop(); now += time.Millisecond {
		buffer := p.buffers.get()
		buffer[0] = 0x45
		p.offer(now, buffer)
		if err := p.deliverDue(now + time.Second); err != nil {
			b.Fatal(err)
		}
	}
}
