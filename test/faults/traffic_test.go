// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// loopbacks are both ends of the load: the loopback device of one host carries
// thousands of connections a second, which the emulated path could not.
var loopbacks = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}

const (
	shortBytes = 100_000 // of a connection that opens, is answered and closes
	longBytes  = 50_000  // of each answer on a connection that stays
	pause      = 10 * time.Millisecond
)

// content is what every answer consists of, from its beginning.
var content = func() []byte {
	all := make([]byte, shortBytes)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(all)
	return all
}()

// traffic is connections that ask for bytes and compare what they get.
type traffic struct {
	site      *site
	listeners []net.Listener
	ports     []netip.AddrPort
	opened    atomic.Int64
	ended     chan struct{}
	clients   sync.WaitGroup
	servers   sync.WaitGroup
	mu        sync.Mutex
	harmed    []string
}

// startTraffic opens, for each congestion control and family, one connection
// that stays and one after the other that does not.
func startTraffic(t testing.TB, s *site) *traffic {
	t.Helper()
	l := &traffic{site: s, ended: make(chan struct{})}
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		for i, network := range []string{"tcp4", "tcp6"} {
			listener, err := s.Server.Listen(check.Background(t), lab.ListenSpec{Network: network, CC: cc, Cgroup: s.Cgroup})
			check.Must(t, err)
			port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
			l.listeners = append(l.listeners, listener)
			l.ports = append(l.ports, netip.AddrPortFrom(loopbacks[i], port))
			l.servers.Go(func() { l.accept(listener) })
		}
	}
	for _, port := range l.ports {
		l.clients.Go(func() { l.stay(port) })
		l.clients.Go(func() { l.comeAndGo(port) })
	}
	return l
}

// stop ends the load in peace and returns how many connections there were.
func (l *traffic) stop() (opened int, harmed []string) {
	close(l.ended)
	l.clients.Wait()
	for _, listener := range l.listeners {
		listener.Close()
	}
	l.servers.Wait()
	return int(l.opened.Load()), l.harmed
}

func (l *traffic) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}

func (l *traffic) harm(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.harmed = append(l.harmed, fmt.Sprintf("%s: %v", what, err))
}

func (l *traffic) stay(port netip.AddrPort) {
	conn := l.dial(port)
	if conn == nil {
		return
	}
	defer conn.Close()
	for !l.over() {
		if err := ask(conn, longBytes); err != nil {
			l.harm("a long connection", err)
			return
		}
		time.Sleep(pause)
	}
}

func (l *traffic) comeAndGo(port netip.AddrPort) {
	for !l.over() {
		if conn := l.dial(port); conn != nil {
			if err := ask(conn, shortBytes); err != nil {
				l.harm("a short connection", err)
			}
			conn.Close()
		}
		time.Sleep(pause)
	}
}

func (l *traffic) dial(port netip.AddrPort) (conn net.Conn) {
	err := l.site.Server.Do(func() (err error) {
		conn, err = net.DialTimeout("tcp", port.String(), patience)
		return err
	})
	if err != nil {
		l.harm("connecting", err)
		return nil
	}
	l.opened.Add(1)
	return conn
}

// ask sends a wish for n bytes and compares the answer.
func ask(conn net.Conn, n int) error {
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if err := binary.Write(conn, binary.BigEndian, uint32(n)); err != nil {
		return err
	}
	got := make([]byte, n)
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !bytes.Equal(got, content[:n]) {
		return errors.New("wrong content")
	}
	return nil
}

func (l *traffic) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.harm("accepting", err)
			}
			return
		}
		l.servers.Go(func() {
			defer conn.Close()
			if err := answer(conn); err != nil {
				l.harm("a server's end", err)
			}
		})
	}
}

// answer does what is asked until the client closes.
func answer(conn net.Conn) error {
	for {
		var n uint32
		err := binary.Read(conn, binary.BigEndian, &n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(content[:n]); err != nil {
			return err
		}
	}
}
