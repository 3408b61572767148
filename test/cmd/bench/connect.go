// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab"
)

// acceptor accepts connections over a host's loopback device.
type acceptor struct {
	host     *lab.Host
	listener net.Listener
	fd       int
	addr     netip.AddrPort
}

func listenOn(ctx context.Context, host *lab.Host, cgroup *lab.Cgroup) (*acceptor, error) {
	listener, err := host.Listen(ctx, lab.ListenSpec{
		Network: "tcp4", Addr: netip.AddrPortFrom(peer(0), 0), CC: "cubic", Cgroup: cgroup,
	})
	if err != nil {
		return nil, err
	}
	a := &acceptor{host: host, listener: listener, addr: listener.Addr().(*net.TCPAddr).AddrPort()}
	err = lab.Control(listener.(*net.TCPListener), func(fd int) error { a.fd = fd; return nil })
	return a, err
}

// connections makes one connection from each peer, one after another on one
// thread, and returns how long they took together.
func (a *acceptor) connections(peers []netip.Addr) (time.Duration, error) {
	var took time.Duration
	err := a.host.Do(func() error {
		start := time.Now()
		for _, peer := range peers {
			if err := a.connection(peer); err != nil {
				return fmt.Errorf("connection from %v: %w", peer, err)
			}
		}
		took = time.Since(start)
		return nil
	})
	return took, err
}

func (a *acceptor) connection(peer netip.Addr) error {
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(client)
	// A reset at the end leaves no port behind in TIME_WAIT.
	if err := unix.SetsockoptLinger(client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(client, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	if err := unix.Bind(client, &unix.SockaddrInet4{Addr: peer.As4()}); err != nil {
		return err
	}
	if err := unix.Connect(client, &unix.SockaddrInet4{Addr: a.addr.Addr().As4(), Port: int(a.addr.Port())}); err != nil {
		return err
	}
	server, err := a.accept()
	if err != nil {
		return err
	}
	return unix.Close(server)
}

func (a *acceptor) accept() (int, error) {
	for {
		fd, _, err := unix.Accept4(a.fd, unix.SOCK_CLOEXEC)
		if !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
		const patience = 1000 // ms
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN}}, patience)
		if n == 0 && err == nil {
			return 0, errors.New("it never came")
		}
	}
}
