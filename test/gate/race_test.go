// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestTwoConnectionsRaceForOneEntry(t *testing.T) {
	const rounds = 200
	for sharing, c := range map[resume.Sharing]struct {
		winners int
		want    counts
	}{
		resume.SharingSingle: {1, resumedOnce.plus(closedEarly, counts{"established": 1, "already_in_use": 1})},
		resume.SharingShared: {2, resumedOnce.plus(closedEarly).times(2)},
	} {
		t.Run(string(sharing), func(t *testing.T) {
			s := newStage(t, shortPath)
			listener := s.loopbackListener(t)
			for round := range rounds {
				s.put(t, resume.Path{Peer: loopback, Cwnd: 10 << 20, Sharing: sharing})
				s.race(t, listener)
				winners := 0
				for range 2 {
					conn := accept(t, listener)
					if windowsOf(t, conn) != cold {
						winners++
					}
					check.Must(t, scene.Abort(conn))
				}
				if winners != c.winners {
					t.Fatalf("round %d: %d connections resumed, want %d", round, winners, c.winners)
				}
			}
			s.expect(t, c.want.times(rounds))
		})
	}
}

// race connects twice from the same address and at the same time.
func (s *stage) race(t *testing.T, listener net.Listener) {
	t.Helper()
	port := listener.Addr().(*net.TCPAddr).Port
	var (
		both   sync.WaitGroup
		errs   [2]error
		atLine atomic.Int32
	)
	for i := range errs {
		both.Go(func() {
			errs[i] = s.Server.Do(func() error {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				if err != nil {
					atLine.Add(1)
					return err
				}
				defer unix.Close(fd)
				atLine.Add(1)
				for spin := 1; int(atLine.Load()) < len(errs); spin++ {
					if spin%10000 == 0 {
						runtime.Gosched() // with one processor the other has not come yet
					}
				}
				return unix.Connect(fd, &unix.SockaddrInet4{Addr: loopback.As4(), Port: port})
			})
		})
	}
	both.Wait()
	for _, err := range errs {
		check.Must(t, err)
	}
}
