// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

type sampler struct {
	socket   syscall.Conn
	start    time.Time
	every    time.Duration
	stopping chan struct{}
	finished chan []Sample
}

func startSampler(socket syscall.Conn, start time.Time, every time.Duration) *sampler {
	s := &sampler{
		socket: socket, start: start, every: every,
		stopping: make(chan struct{}), finished: make(chan []Sample, 1),
	}
	go s.run()
	return s
}

func (s *sampler) stop() []Sample {
	close(s.stopping)
	return <-s.finished
}

func (s *sampler) run() {
	samples := make([]Sample, 0, 4096)
	for next := time.Since(s.start); ; next += s.every {
		select {
		case <-s.stopping:
			s.finished <- samples
			return
		default:
		}
		info, err := TCPInfo(s.socket)
		if err != nil {
			<-s.stopping
			s.finished <- samples
			return
		}
		now := time.Since(s.start)
		samples = append(samples, sampleOf(info, now))
		next = max(next, now-s.every)
		sleepExactly(next + s.every - now)
	}
}

// sleepExactly is used because the runtime's timers round to milliseconds.
func sleepExactly(d time.Duration) {
	if d <= 0 {
		return
	}
	left := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &left, nil)
}
