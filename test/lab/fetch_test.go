// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

func TestOneServerServesManyFetches(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 1e9})
	server, err := l.Serve(context.Background(), ListenSpec{CC: "cubic"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const size, before = 200e3, 4000
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 3 {
				result, err := server.Fetch(context.Background(), Fetch{Bytes: size, Before: before})
				if err != nil {
					t.Error(err)
				}
				if result.Received != size {
					t.Errorf("received %d bytes of %.0f", result.Received, size)
				}
				if got := result.Final.Bytes_acked; got < size+before {
					t.Errorf("%d bytes acknowledged in the end, want %.0f", got, size+before)
				}
			}
		})
	}
	running.Wait()
}

func TestSamplesShowTheConnection(t *testing.T) {
	l := newLab(t, Path{RTT: 50 * time.Millisecond, Rate: 100e6})
	result, err := l.Fetch(context.Background(), ListenSpec{CC: "cubic"}, Fetch{Bytes: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Samples) < 100 {
		t.Fatalf("%d samples in %v", len(result.Samples), result.Elapsed)
	}
	first, last := result.Samples[0], result.Samples[len(result.Samples)-1]
	if first.Cwnd != 10 || first.Ssthresh != InfiniteSsthresh {
		t.Errorf("first sample has window %d and threshold %d, want 10 and none", first.Cwnd, first.Ssthresh)
	}
	if last.Delivered < 1e6 || last.MinRTT < l.Path().RTT {
		t.Errorf("last sample has %d bytes delivered and a least round trip of %v", last.Delivered, last.MinRTT)
	}
	for i, s := range result.Samples[1:] {
		if s.At <= result.Samples[i].At || s.Delivered < result.Samples[i].Delivered {
			t.Fatalf("sample %d goes back: %+v after %+v", i+1, s, result.Samples[i])
		}
	}
}

func TestFirstAnswerCostsOneRoundTrip(t *testing.T) {
	path := Path{RTT: 40 * time.Millisecond, Rate: 1e9}
	bare := Fetch{Bytes: 1000}.ideal(path)
	with := Fetch{Bytes: 1000, Before: 1000}.ideal(path)
	if got := with - bare; got < path.RTT || got > path.RTT+time.Millisecond {
		t.Errorf("costs %v, want one round trip of %v", got, path.RTT)
	}
}

func TestFetchEndsWhenThePathIsDead(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 10e6})
	time.AfterFunc(100*time.Millisecond, func() { l.Cut(true) })
	result, err := l.Fetch(context.Background(), ListenSpec{}, Fetch{Bytes: 10e6, Timeout: 300 * time.Millisecond})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want a timeout", err)
	}
	if result.Received == 0 || result.Received == 10e6 {
		t.Errorf("received %d bytes, want a part", result.Received)
	}
}

func TestFetchEndsWithItsContext(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 10e6})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	start := time.Now()
	if _, err := l.Fetch(ctx, ListenSpec{}, Fetch{Bytes: 100e6}); err == nil {
		t.Error("no error")
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestPathCanChange(t *testing.T) {
	l := newLab(t, Path{RTT: 100 * time.Millisecond, Rate: 1e9})
	changed := l.Path()
	changed.RTT = 5 * time.Millisecond
	if err := l.SetPath(changed); err != nil {
		t.Fatal(err)
	}
	client, server := connect(t, l, ListenSpec{}, DialSpec{})
	if median := roundTrips(t, client, server, 10)[5]; median > 50*time.Millisecond {
		t.Errorf("median round trip is %v, want %v", median, changed.RTT)
	}
}

func TestServerCloseDoesNotWaitForSilentClients(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 1e9})
	server, err := l.Serve(context.Background(), ListenSpec{})
	if err != nil {
		t.Fatal(err)
	}
	client, err := l.Client.Dial(context.Background(), DialSpec{Addr: server.Addr(false)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	time.Sleep(20 * time.Millisecond)
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("close is still waiting")
	}
}
