// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// Fetch measures one connection to the server. On an error the result holds what
// is known so far; on a Disturbed, because packets were lost on this machine, all.
func (s *Server) Fetch(ctx context.Context, fetch Fetch) (Result, error) {
	fetch = fetch.withDefaults()
	if err := fetch.validate(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, fetch.Timeout)
	defer cancel()
	e := &exchange{Fetch: fetch, ctx: ctx, start: make(chan time.Time, 1), served: make(chan struct{})}
	s.expect(e)

	overruns, err := s.lab.Overruns()
	if err != nil {
		return Result{}, err
	}
	before := s.lab.Stats()
	result, err := s.connectAndRead(e)
	if s.take(e.id) == nil {
		<-e.served
	}
	result.Link = s.lab.Stats().Since(before)
	now, failed := s.lab.Overruns()
	result.Link.Lost = now - overruns
	result.Ideal = e.ideal(s.lab.Path())
	result.Ratio = float64(result.Elapsed) / float64(result.Ideal)
	result.First, result.Final, result.Samples = e.first, e.final, e.samples
	result.Retransmits = int(e.final.Total_retrans)
	if err := errors.Join(err, e.err, failed); err != nil || result.Link.Lost == 0 {
		return result, err
	}
	return result, result.Link.Undisturbed()
}

func (s *Server) connectAndRead(e *exchange) (Result, error) {
	conn, start, err := s.lab.Client.dial(e.ctx, e.dialSpec(s.lab.Server, s.port))
	if err != nil {
		return Result{}, err
	}
	defer conn.Close()
	defer interruptible(e.ctx, conn)()
	e.start <- start
	received, err := e.ask(conn)
	if err != nil {
		abort(conn)
	}
	return Result{Elapsed: time.Since(start), Received: received}, err
}

// ask is the client's side of a connection.
func (e *exchange) ask(conn net.Conn) (int, error) {
	buffer := make([]byte, chunkSize)
	hello := e.messageWithID()
	if _, err := conn.Write(hello[:]); err != nil {
		return 0, fmt.Errorf("send request: %w", err)
	}
	if e.Before > 0 {
		if _, err := discard(conn, buffer, e.Before); err != nil {
			return 0, err
		}
		var request message
		if _, err := conn.Write(request[:]); err != nil {
			return 0, fmt.Errorf("send request: %w", err)
		}
	}
	return discard(conn, buffer, e.Bytes)
}
