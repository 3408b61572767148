// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// A small map recycles the memory of its elements all the time.
const smallMap = 1024

const (
	hotPeers    = 4
	rewrites    = 100_000
	connections = 600
)

// Each value of an entry follows from its window and its peer, so that a value
// of two entries, or of another peer's, shows.
func TestNoConnectionGetsATornOrForeignEntry(t *testing.T) {
	reload(t, smallMap)
	s := newStage(t, shortPath)
	listener := s.loopbackListener(t)
	stop, written := s.rewrite(t)
	defer stop()

	opened := uint64(0)
	for ; opened < connections || written.Load() < rewrites; opened++ {
		p := s.dialLoopback(t, listener, hotPeer(opened), loopback)
		got := windowsOf(t, p.server)
		if got != cold {
			checkWhole(t, s.Events.wait(t, "resumed", cookie(t, p.server)), got)
		}
		p.reset(t)
		if t.Failed() {
			break
		}
	}
	stop()
	now := s.read(t).since(s.seen)
	t.Logf("%d rewrites: %v", written.Load(), now)
	rest := now.since(nil)
	for _, name := range []string{"established", "resumed", "applied", "closed", "closed_while_resuming", "no_saved_path", "path_unstable", "already_in_use"} {
		delete(rest, name)
	}
	check.Same(t, "other counters", rest, counts{})
	check.Same(t, "connections", now["established"], opened)
	if now["resumed"] < opened/2 {
		t.Errorf("%d of %d connections resumed: too few to tell", now["resumed"], opened)
	}
}

func hotPeer(n uint64) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 0, 1, byte(1 + n%hotPeers)})
}

func tagged(peer netip.Addr, generation uint32) resume.Path {
	window := 1_000_000 + 1000*(generation%1000)
	sharing := []resume.Sharing{resume.SharingShared, resume.SharingSingle}[generation%2]
	return resume.Path{Peer: peer, Cwnd: resume.Bytes(window), Ssthresh: ssthreshOf(window, peer), RTT: rttOf(window, peer),
		Mode: resume.ModeExact, Sharing: sharing, Source: resume.SourceOperator}
}

func ssthreshOf(window uint32, peer netip.Addr) resume.Bytes {
	return resume.Bytes(2*window + uint32(peer.AsSlice()[3]))
}

func rttOf(window uint32, peer netip.Addr) time.Duration {
	return time.Duration(window/1000+7*uint32(peer.AsSlice()[3])) * time.Microsecond
}

func checkWhole(t *testing.T, event pathstore.Event, got windows) {
	t.Helper()
	peer, window := event.Peer.Addr(), uint32(event.SavedCwnd)
	type saved struct {
		Ssthresh resume.Bytes
		RTT      time.Duration
		Windows  windows
	}
	check.Same(t, "entry with window "+event.SavedCwnd.String(), saved{event.SavedSsth, event.SavedRTT, got},
		saved{ssthreshOf(window, peer), rttOf(window, peer), windows{window / event.MSS, uint32(event.SavedSsth) / event.MSS}})
}

// rewrite keeps storing values for the hot peers, and others that push them out.
func (s *stage) rewrite(t *testing.T) (stop func(), written *atomic.Uint64) {
	written = new(atomic.Uint64)
	ctx, cancel := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for _, peer := range []func(int) netip.Addr{
		func(i int) netip.Addr { return hotPeer(uint64(i)) },
		func(int) netip.Addr {
			n := rand.Uint32()
			return netip.AddrFrom4([4]byte{127, 2, byte(n >> 8), byte(n)})
		},
	} {
		writers.Go(func() {
			batch := make([]resume.Path, 256)
			for ctx.Err() == nil {
				for i := range batch {
					batch[i] = tagged(peer(i), rand.Uint32())
				}
				n, err := s.Store.PutAll(batch)
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(uint64(n))
			}
		})
	}
	return sync.OnceFunc(func() { cancel(); writers.Wait() }), written
}

// reload loads the runtime anew with another capacity, until the test ends.
func reload(t *testing.T, maxPaths uint32) {
	t.Helper()
	before := loaded.Options.MaxPaths
	up := func(capacity uint32) {
		check.Must(t, loaded.Store.Close())
		_, err := loader.Down(check.Background(t), loaded.Options)
		check.Must(t, err)
		loaded.Options.MaxPaths = capacity
		register(t)
		loaded.Store, err = pathstore.Open(loader.MapsDir(loader.DefaultPins))
		check.Must(t, err)
	}
	up(maxPaths)
	t.Cleanup(func() { up(before) })
}
