// SPDX-License-Identifier: Apache-2.0

package link

import (
	"testing"
	"time"
)

func TestFifoKeepsOrderWhileItGrows(t *testing.T) {
	var f fifo
	pushed, popped := 0, 0
	for round := range 10 {
		for range 50 * (round + 1) {
			f.push(delayed{out: time.Duration(pushed)})
			pushed++
		}
		for range 30 * (round + 1) {
			next, ok := f.next()
			if !ok || next.out != time.Duration(popped) {
				t.Fatalf("got number %d, %v, want %d", next.out, ok, popped)
			}
			f.pop()
			popped++
		}
	}
	if f.size != pushed-popped {
		t.Errorf("%d left, want %d", f.size, pushed-popped)
	}
}

func TestBusyPipeDoesNotAllocate(t *testing.T) {
	var f fifo
	pool := buffers{size: 1500}
	round := func() {
		for range 200 {
			f.push(delayed{packet: pool.get()[:40]})
		}
		for range 200 {
			next, _ := f.next()
			f.pop()
			pool.put(next.packet)
		}
	}
	if got := testing.AllocsPerRun(100, round); got != 0 {
		t.Errorf("%v allocations", got)
	}
}
