// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// many is how many paths of other peers are stored beside those of the connections.
const many = 900_000

// passes measures the walk over live connections of one namespace: those that
// a listener has not accepted, because these take no descriptor, whose clients
// are gone without a word.
func passes(ctx context.Context, r *rig.Rig) (err error) {
	l, err := lab.New(lab.Path{RTT: time.Millisecond, Rate: 1e9})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Server.Sysctl("net.core.somaxconn", "65535"); err != nil {
		return err
	}
	listener, err := l.Server.Listen(ctx, lab.ListenSpec{Network: "tcp4", Addr: netip.MustParseAddrPort("127.0.0.1:0"), CC: "cubic", Cgroup: r.Cgroup})
	if err != nil {
		return err
	}
	defer listener.Close()
	// Go takes the limit of the whole host for that of the namespace.
	if err := lab.Control(listener.(*net.TCPListener), func(fd int) error { return unix.Listen(fd, 65535) }); err != nil {
		return err
	}
	to := listener.Addr().(*net.TCPAddr).AddrPort()
	if err := l.Server.Do(func() error { return crowd(to) }); err != nil {
		return err
	}
	time.Sleep(2 * time.Second) // until all count as idle

	fmt.Fprintf(book, "\nOne pass over %d live idle connections of one namespace, medians of %d.\n", *sockets, max(*repeats, 5))
	fmt.Fprintln(book, "\n| stored | sockets | resumed | pass | of it processor time | a socket |\n|---|---|---|---|---|---|")
	for _, scene := range []struct {
		name    string
		prepare func() error
		repeats int
	}{
		{"nothing", func() error { return nil }, max(*repeats, 5)},
		{"900 000 paths of other peers", func() error { return others(r) }, max(*repeats, 5)},
		{"... and the path of each connection, first pass", func() error { return own(r) }, 1},
		{"... any later pass", func() error { return nil }, max(*repeats, 5)},
	} {
		if err := scene.prepare(); err != nil {
			return err
		}
		if err := timed(l, scene.name, scene.repeats); err != nil {
			return err
		}
	}
	return nil
}

func timed(l *lab.Lab, name string, repeats int) error {
	var all []revive.Result
	for range repeats {
		err := l.Server.Do(func() error {
			result, err := revive.Here(loader.LiveLink(loader.DefaultPins))
			all = append(all, result)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, r := range all {
		book.AddTime(r.CPU, "live", "pass", name)
	}
	slices.SortFunc(all, func(a, b revive.Result) int { return int(a.CPU - b.CPU) })
	m := all[len(all)/2]
	fmt.Fprintf(book, "| %s | %d | %d | %.1f ms | %.1f ms | %.0f ns |\n", name, m.Sockets, m.Resumed(),
		float64(m.Took)/1e6, float64(m.CPU)/1e6, float64(m.CPU)/float64(m.Sockets))
	return nil
}

func peerOf(i int) netip.Addr { return netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)}) }

// crowd connects from one address each and leaves without a FIN.
func crowd(to netip.AddrPort) error {
	for i := range *sockets {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		err = errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
			unix.Bind(fd, &unix.SockaddrInet4{Addr: peerOf(i).As4()}),
			unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}),
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1),
			unix.Close(fd))
		if err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	return nil
}

func path(peer netip.Addr) resume.Path {
	return resume.Path{
		Peer: peer, Cwnd: 10_000_000, RTT: 50 * time.Microsecond, TTL: 10 * time.Minute,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
	}
}

func others(r *rig.Rig) error {
	paths := make([]resume.Path, many)
	for i := range paths {
		paths[i] = path(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	_, err := r.Store.PutAll(paths)
	return err
}

func own(r *rig.Rig) error {
	paths := make([]resume.Path, *sockets)
	for i := range paths {
		paths[i] = path(peerOf(i))
	}
	_, err := r.Store.PutAll(paths)
	return err
}
