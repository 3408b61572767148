// SPDX-License-Identifier: Apache-2.0

package link

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// maxBatch bounds how long arrivals may keep the thread from looking at its
// stop signal.
const maxBatch = 64

// work keeps its thread locked to the end: the thread has another priority and
// must not be given to other goroutines.
func (p *Pipe) work() {
	runtime.LockOSThread()
	undo := sharpenThread()
	err := p.loop()
	undo()
	p.finished <- err
}

func (p *Pipe) loop() error {
	for {
		if err := p.deliverDue(p.now()); err != nil {
			return err
		}
		readable, stopped, err := p.wait()
		if err != nil || stopped {
			return err
		}
		if readable {
			if err := p.receive(); err != nil {
				return err
			}
		}
	}
}

func (p *Pipe) now() time.Duration { return time.Since(p.ends.Start) }

// wait uses ppoll because its timeout is exact to the nanosecond where the
// runtime's own poller rounds to milliseconds.
func (p *Pipe) wait() (readable, stopped bool, err error) {
	watched := [2]unix.PollFd{
		{Fd: int32(p.ends.From), Events: unix.POLLIN},
		{Fd: int32(p.stop), Events: unix.POLLIN},
	}
	var timeout *unix.Timespec
	if next, ok := p.pending.next(); ok {
		sleep := unix.NsecToTimespec(int64(sleepTowards(next.out - p.now())))
		timeout = &sleep
	}
	_, err = unix.Ppoll(watched[:], timeout, nil)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, false, fmt.Errorf("wait for packets: %w", err)
	}
	return watched[0].Revents != 0, watched[1].Revents != 0, nil
}

// sleepTowards stops a little short of long waits, to be asked again: the kernel
// lets every poll oversleep by a thousandth of its timeout.
func sleepTowards(left time.Duration) time.Duration {
	const worthTwoWaits = time.Millisecond
	if left > worthTwoWaits {
		return left - left/128
	}
	return max(0, left)
}

func (p *Pipe) receive() error {
	if change := p.change.Swap(nil); change != nil {
		p.shaper.reconfigure(*change)
	}
	for range maxBatch {
		buffer := p.buffers.get()
		n, err := unix.Read(p.ends.From, buffer)
		if err != nil {
			p.buffers.put(buffer)
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				return nil
			}
			return fmt.Errorf("read packet from tun: %w", err)
		}
		now := p.now()
		p.offer(now, buffer[:n])
		if err := p.deliverDue(now); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipe) offer(now time.Duration, packet []byte) {
	if !isUnicast(packet) {
		p.buffers.put(packet)
		return
	}
	p.counters.packets.Add(1)
	p.counters.bytes.Add(uint64(len(packet)))
	if observer := p.observer.Load(); observer != nil {
		(*observer)(now, packet)
	}
	if p.cut.Load() {
		p.counters.cutDrops.Add(1)
		p.buffers.put(packet)
		return
	}
	out, verdict := p.shaper.admit(now, len(packet))
	switch verdict {
	case deliver:
		p.pending.push(delayed{out: out, packet: packet})
		return
	case dropQueue:
		p.counters.queueDrops.Add(1)
	case dropLoss:
		p.counters.lossDrops.Add(1)
	}
	p.buffers.put(packet)
}

func (p *Pipe) deliverDue(now time.Duration) error {
	for {
		next, ok := p.pending.next()
		if !ok || next.out > now {
			return nil
		}
		p.pending.pop()
		p.counters.delivered(now - next.out)
		_, err := unix.Write(p.ends.To, next.packet)
		p.buffers.put(next.packet)
		if err != nil {
			return fmt.Errorf("write packet to tun: %w", err)
		}
	}
}
