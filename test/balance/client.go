// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// meet tells which server a client's datagram reached.
func (s *Server) meet() {
	var datagram [64]byte
	for {
		if _, _, err := s.quic.ReadFromUDPAddrPort(datagram[:]); err != nil {
			return
		}
		s.site.landed <- s
	}
}

// QUIC sends a datagram from the client, as the first of a QUIC connection, and
// returns the server that the balancer gave it to.
func (s *Site) QUIC(ctx context.Context, ipv6 bool) (*Server, error) {
	err := s.Client.Do(func() error {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.VIP(ipv6), port)))
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Write([]byte("initial"))
		return err
	})
	if err != nil {
		return nil, err
	}
	select {
	case one := <-s.landed:
		return one, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the datagram: %w", ctx.Err())
	}
}

// Transfer is one TCP connection of the client.
type Transfer struct {
	Server *Server
	conn   *net.TCPConn
	began  time.Time
}

// Connect connects until the balancer gives the connection to one server, as the
// client's ports decide.
func (s *Site) Connect(ctx context.Context, to *Server, ipv6 bool) (*Transfer, error) {
	for {
		began := time.Now()
		conn, err := s.Client.Dial(ctx, lab.DialSpec{Addr: netip.AddrPortFrom(s.VIP(ipv6), port)})
		if err != nil {
			return nil, err
		}
		select {
		case a := <-s.accepted:
			if a.server == to {
				return &Transfer{to, conn, began}, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("accepting: %w", ctx.Err())
		}
		conn.Close()
	}
}

// Fetch asks for a response, reads all of it and returns the time since the
// connection began.
func (t *Transfer) Fetch(size int) (time.Duration, error) {
	if _, err := fmt.Fprintln(t.conn, size); err != nil {
		return 0, err
	}
	n, err := io.CopyN(io.Discard, t.conn, int64(size))
	if err != nil {
		return 0, fmt.Errorf("after %d of %d bytes: %w", n, size, err)
	}
	return time.Since(t.began), nil
}

// Port is the client's.
func (t *Transfer) Port() uint16 {
	return t.conn.LocalAddr().(*net.TCPAddr).AddrPort().Port()
}

// Close ends the connection.
func (t *Transfer) Close() error { return t.conn.Close() }
