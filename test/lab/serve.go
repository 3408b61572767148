// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// handle is the server's side of one connection.
func (s *Server) handle(conn *net.TCPConn) {
	first, err := TCPInfo(conn)
	if err != nil {
		return
	}
	defer interruptible(s.open, conn)()
	var hello message
	if _, err := io.ReadFull(conn, hello[:]); err != nil {
		return
	}
	e := s.take(hello.id())
	if e == nil {
		return
	}
	defer close(e.served)
	defer interruptible(e.ctx, conn)()
	e.first = first
	if e.err = s.serve(conn, e); e.err != nil {
		abort(conn)
	}
}

func (s *Server) serve(conn *net.TCPConn, e *exchange) error {
	if e.SampleEvery > 0 {
		sampler := startSampler(conn, <-e.start, e.SampleEvery)
		defer func() { e.samples = sampler.stop() }()
	}
	failed := e.answer(conn)
	var err error
	if e.final, err = TCPInfo(conn); err != nil || failed != nil {
		return errors.Join(failed, err)
	}
	return s.part(conn)
}

func (e *exchange) answer(conn *net.TCPConn) error {
	if e.Before > 0 {
		if err := writeZeroes(conn, e.Before); err != nil {
			return err
		}
		var request message
		if _, err := io.ReadFull(conn, request[:]); err != nil {
			return fmt.Errorf("read request: %w", err)
		}
	}
	if err := writeZeroes(conn, e.Bytes); err != nil {
		return err
	}
	// The client's FIN acknowledges everything.
	if _, err := io.Copy(io.Discard, conn); err != nil {
		return fmt.Errorf("wait for the client's end: %w", err)
	}
	return nil
}

// part waits until the kernel has finished the connection, so that whoever
// watches connections end has seen this one when Fetch returns.
func (s *Server) part(conn *net.TCPConn) error {
	const tcpClose = 7
	if err := conn.CloseWrite(); err != nil {
		return fmt.Errorf("close connection: %w", err)
	}
	patience := time.Now().Add(2*s.lab.Path().RTT + 500*time.Millisecond)
	for time.Now().Before(patience) {
		info, err := TCPInfo(conn)
		if err != nil {
			return err
		}
		if info.State == tcpClose {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
