// SPDX-License-Identifier: Apache-2.0

package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// sendBuffer holds some hundred reports while the agent is busy; the kernel
// takes what net.core.wmem_max allows.
const sendBuffer = 1 << 20

// datagrams is a connected socket, made again when the agent has been restarted.
type datagrams struct {
	path     string
	patience time.Duration
	counts   *counts

	mu     sync.Mutex
	conn   *net.UnixConn
	buf    []byte
	closed bool
}

func newDatagrams(opts Options, path string, counts *counts) *datagrams {
	return &datagrams{path: path, patience: cmp.Or(opts.Patience, 10*time.Millisecond), counts: counts}
}

func (d *datagrams) report(ctx context.Context, r resume.Report) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	d.buf = r.Append(d.buf[:0])
	if len(d.buf) > resume.MaxReport {
		return fmt.Errorf("report of %d bytes: at most %d are allowed; shorten its id", len(d.buf), resume.MaxReport)
	}
	err := d.send(ctx)
	if err != nil && !errors.Is(err, ErrBusy) { // an agent that was restarted has a new socket
		d.hangUp()
		err = d.send(ctx)
	}
	if err != nil {
		d.counts.dropped.Add(1)
		return err
	}
	d.counts.sent.Add(1)
	return nil
}

func (d *datagrams) send(ctx context.Context) error {
	if d.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: d.path, Net: "unixgram"})
		if err != nil {
			return fmt.Errorf("%w: %w", ErrAway, err)
		}
		_ = conn.SetWriteBuffer(sendBuffer)
		d.conn = conn
	}
	deadline := time.Now().Add(d.patience)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(deadline) {
		deadline = sooner
	}
	if err := d.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	switch _, err := d.conn.Write(d.buf); {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: its queue was full for %v", ErrBusy, d.patience)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	return nil
}

func (d *datagrams) hangUp() {
	if d.conn != nil {
		d.conn.Close()
		d.conn = nil
	}
}

func (d *datagrams) flush(context.Context) error { return nil }

func (d *datagrams) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hangUp()
	d.closed = true
	return nil
}
