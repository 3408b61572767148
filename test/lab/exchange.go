// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// exchange is the state that both ends of one measured connection share. The
// server's part is written before served is closed.
type exchange struct {
	Fetch
	ctx    context.Context
	id     uint64
	start  chan time.Time
	served chan struct{}

	samples      []Sample
	first, final unix.TCPInfo
	err          error
}

// A message of the client: the first one carries the exchange's id, the rest is
// padding to the size of a usual request.
type message [64]byte

const chunkSize = 256 << 10

var zeroes [chunkSize]byte

func (e *exchange) messageWithID() message {
	var m message
	binary.BigEndian.PutUint64(m[:], e.id)
	return m
}

func (m *message) id() uint64 { return binary.BigEndian.Uint64(m[:]) }

func writeZeroes(to io.Writer, size int) error {
	for size > 0 {
		n, err := to.Write(zeroes[:min(size, chunkSize)])
		if err != nil {
			return fmt.Errorf("send response, %d bytes left: %w", size, err)
		}
		size -= n
	}
	return nil
}

// discard reads size bytes and returns how many came.
func discard(from io.Reader, buffer []byte, size int) (int, error) {
	received := 0
	for received < size {
		n, err := from.Read(buffer[:min(len(buffer), size-received)])
		received += n
		if err != nil {
			return received, fmt.Errorf("read response, %d of %d bytes came: %w", received, size, err)
		}
	}
	return received, nil
}

// interruptible ends all waiting on conn when ctx is done; the returned function
// lets go of ctx again.
func interruptible(ctx context.Context, conn net.Conn) (release func() bool) {
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// abort resets instead of closing: over a path that no longer works, the kernel
// would keep a closing connection, and with it the namespace, for minutes.
func abort(conn *net.TCPConn) { _ = conn.SetLinger(0) }
