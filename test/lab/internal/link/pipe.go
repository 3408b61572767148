// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Observer sees a packet as the sending host offered it, before the queue. It
// runs on the thread that moves packets and must return at once; raw is valid
// only during the call.
type Observer func(at time.Duration, raw []byte)

// Ends are the file descriptors and the start of time of a Pipe.
type Ends struct {
	// From is read, To is written; both are non-blocking and stay the caller's.
	From, To int
	// MTU is the largest packet that From yields, in bytes.
	MTU int
	// Start is the zero of all times of the pipe.
	Start time.Time
}

// Pipe moves packets in one direction until it is stopped.
type Pipe struct {
	ends     Ends
	shaper   *shaper
	pending  fifo
	buffers  buffers
	counters counters

	cut      atomic.Bool
	observer atomic.Pointer[Observer]
	change   atomic.Pointer[Config]

	stop     int
	finished chan error
}

// Start makes a pipe and sets it to work. The seed fixes which packets are lost.
func Start(ends Ends, config Config, seed uint64) (*Pipe, error) {
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make eventfd that stops a pipe: %w", err)
	}
	p := &Pipe{
		ends:     ends,
		shaper:   newShaper(config, seed),
		buffers:  buffers{size: ends.MTU},
		stop:     stop,
		finished: make(chan error, 1),
	}
	go p.work()
	return p, nil
}

// Stop ends the pipe, waits for its thread and returns what went wrong in its
// life. Packets under way are lost.
func (p *Pipe) Stop() error {
	if _, err := unix.Write(p.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("stop pipe: %w", err)
	}
	err := <-p.finished
	unix.Close(p.stop)
	return err
}

// Counters returns the counts so far.
func (p *Pipe) Counters() Counters { return p.counters.snapshot() }

// Cut makes the pipe drop every packet offered from now on, or ends that. Packets
// under way still arrive.
func (p *Pipe) Cut(cut bool) { p.cut.Store(cut) }

// Observe sets the observer; nil removes it.
func (p *Pipe) Observe(o Observer) {
	if o == nil {
		p.observer.Store(nil)
		return
	}
	p.observer.Store(&o)
}

// Reconfigure applies to the packets offered from now on.
func (p *Pipe) Reconfigure(config Config) { p.change.Store(&config) }
