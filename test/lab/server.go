// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// Server answers the connections of Fetch until it is closed, so that one
// listener can serve many, one after another or at once.
type Server struct {
	lab      *Lab
	listener net.Listener
	port     uint16
	handlers sync.WaitGroup
	open     context.Context
	shut     context.CancelFunc

	mu       sync.Mutex
	waiting  map[uint64]*exchange
	latestID uint64
}

// Serve opens a server inside Lab.Server. The caller must Close it before the lab.
func (l *Lab) Serve(ctx context.Context, spec ListenSpec) (*Server, error) {
	listener, err := l.Server.Listen(ctx, spec)
	if err != nil {
		return nil, err
	}
	s := &Server{
		lab:      l,
		listener: listener,
		port:     listener.Addr().(*net.TCPAddr).AddrPort().Port(),
		waiting:  make(map[uint64]*exchange),
	}
	// Closing, not the caller's context, ends the server: ctx is for listening.
	s.open, s.shut = context.WithCancel(context.WithoutCancel(ctx))
	s.handlers.Go(s.accept)
	return s, nil
}

// Port returns the port the server listens on.
func (s *Server) Port() uint16 { return s.port }

// Addr returns where the server is reached at the host's first address.
func (s *Server) Addr(ipv6 bool) netip.AddrPort {
	return netip.AddrPortFrom(s.lab.Server.Addr(ipv6), s.port)
}

// SyscallConn gives access to the listening socket.
func (s *Server) SyscallConn() (syscall.RawConn, error) {
	return s.listener.(*net.TCPListener).SyscallConn()
}

// Close stops listening and breaks off the connections that still run.
func (s *Server) Close() error {
	s.shut()
	err := s.listener.Close()
	s.handlers.Wait()
	if err != nil {
		return fmt.Errorf("close server: %w", err)
	}
	return nil
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.handlers.Go(func() {
			defer conn.Close()
			s.handle(conn.(*net.TCPConn))
		})
	}
}

func (s *Server) expect(e *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latestID++
	e.id = s.latestID
	s.waiting[e.id] = e
}

// take returns nil if nobody waits for the exchange (any more).
func (s *Server) take(id uint64) *exchange {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.waiting[id]
	delete(s.waiting, id)
	return e
}
