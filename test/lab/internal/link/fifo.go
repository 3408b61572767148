// SPDX-License-Identifier: Apache-2.0

package link

import "time"

type delayed struct {
	out    time.Duration
	packet []byte
}

// fifo is a ring that doubles when full, so that a busy link stops allocating
// once it has seen its longest queue.
type fifo struct {
	ring []delayed
	head int
	size int
}

func (f *fifo) push(d delayed) {
	if f.size == len(f.ring) {
		f.grow()
	}
	f.ring[(f.head+f.size)&(len(f.ring)-1)] = d
	f.size++
}

func (f *fifo) next() (delayed, bool) {
	if f.size == 0 {
		return delayed{}, false
	}
	return f.ring[f.head], true
}

func (f *fifo) pop() {
	f.ring[f.head] = delayed{}
	f.head = (f.head + 1) & (len(f.ring) - 1)
	f.size--
}

func (f *fifo) grow() {
	larger := make([]delayed, max(64, 2*len(f.ring)))
	n := copy(larger, f.ring[f.head:])
	copy(larger[n:], f.ring[:f.head])
	f.ring, f.head = larger, 0
}

// buffers hands out packet buffers of one size and takes them back.
type buffers struct {
	size int
	free [][]byte
}

func (b *buffers) get() []byte {
	if len(b.free) == 0 {
		return make([]byte, b.size)
	}
	last := len(b.free) - 1
	buffer := b.free[last]
	b.free = b.free[:last]
	return buffer
}

func (b *buffers) put(buffer []byte) {
	b.free = append(b.free, buffer[:b.size])
}
