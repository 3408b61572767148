// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab/internal/netns"
)

// Host is one end of the path: a network namespace with a loopback device and one
// device to the other end, which is the default route for IPv4 and IPv6.
type Host struct {
	// Name is "client" or "server".
	Name string
	// IPv4 and IPv6 are the addresses that the host has from the start and
	// prefers when it connects.
	IPv4, IPv6 netip.Addr

	namespace *netns.Namespace
	tun       int
	roomy     bool // connections begin with a large receive window
}

func newHost(name string, ipv4, ipv6 netip.Addr, mtu int) (*Host, error) {
	namespace, err := netns.New()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	tun, err := namespace.OpenTUN(device)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("host %s: %w", name, err), namespace.Close())
	}
	h := &Host{Name: name, IPv4: ipv4, IPv6: ipv6, namespace: namespace, tun: tun}
	if err := h.configure(mtu); err != nil {
		return nil, errors.Join(fmt.Errorf("host %s: %w", name, err), h.close())
	}
	return h, nil
}

// Do runs f on an operating system thread inside the host. Sockets that f opens
// and programs that it starts belong to the host; goroutines that f starts do
// not. Do may be nested and may be left by t.FailNow.
func (h *Host) Do(f func() error) error {
	return h.namespace.Do(f)
}

// Addr returns the host's first address of the wanted family.
func (h *Host) Addr(ipv6 bool) netip.Addr {
	if ipv6 {
		return h.IPv6
	}
	return h.IPv4
}

func (h *Host) close() error {
	err := h.namespace.Close()
	if h.tun < 0 { // a wire goes with its namespace
		return err
	}
	if closing := unix.Close(h.tun); closing != nil {
		err = errors.Join(err, fmt.Errorf("close tun device of %s: %w", h.Name, closing))
	}
	return err
}
