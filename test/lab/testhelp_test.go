// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"
)

func newLab(t testing.TB, path Path) *Lab {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	l, err := New(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// connect returns both ends of a connection through the lab.
func connect(t testing.TB, l *Lab, listen ListenSpec, dial DialSpec) (client, server *net.TCPConn) {
	t.Helper()
	listener, err := l.Server.Listen(context.Background(), listen)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if !dial.Addr.IsValid() {
		dial.Addr = portOf(listener, l.Server.IPv4)
	}
	if client, err = l.Client.Dial(context.Background(), dial); err != nil {
		t.Fatal(err)
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); accepted.Close() })
	return client, accepted.(*net.TCPConn)
}

// roundTrips plays ping-pong and returns the times in ascending order.
func roundTrips(t testing.TB, client, server *net.TCPConn, rounds int) []time.Duration {
	t.Helper()
	go echo(server)
	var ball [1]byte
	times := make([]time.Duration, 0, rounds)
	for range rounds {
		start := time.Now()
		if _, err := client.Write(ball[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Read(ball[:]); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	return times
}

// echo does without io.Copy, which keeps pipes for later splices.
func echo(conn net.Conn) {
	var ball [1]byte
	for {
		if _, err := conn.Read(ball[:]); err != nil {
			return
		}
		if _, err := conn.Write(ball[:]); err != nil {
			return
		}
	}
}

func mean(times []time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return sum / time.Duration(len(times))
}

func portOf(listener net.Listener, addr netip.Addr) netip.AddrPort {
	return netip.AddrPortFrom(addr, listener.Addr().(*net.TCPAddr).AddrPort().Port())
}
