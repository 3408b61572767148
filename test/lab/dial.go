// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// DialSpec says how to connect.
type DialSpec struct {
	// Addr is the peer.
	Addr netip.AddrPort
	// Local is the address to connect from, one that the host has; the zero
	// value leaves the choice to the kernel.
	Local netip.Addr
	// CC names the congestion control; empty leaves the kernel's default.
	CC string
	// FastOpen sends the first data in the SYN once the kernel has a cookie of
	// the peer.
	FastOpen bool
	// MPTCP asks for multipath TCP.
	MPTCP bool
	// Cgroup is the cgroup of the socket; nil means the one of this process.
	Cgroup *Cgroup
	// Control, if set, sees the socket before it connects.
	Control func(fd int) error
}

// Dial connects from inside the host.
func (h *Host) Dial(ctx context.Context, spec DialSpec) (*net.TCPConn, error) {
	conn, _, err := h.dial(ctx, spec)
	return conn, err
}

// dial also returns the moment just before connect.
func (h *Host) dial(ctx context.Context, spec DialSpec) (*net.TCPConn, time.Time, error) {
	var start time.Time
	if !spec.Addr.IsValid() {
		return nil, start, fmt.Errorf("connect from %s: peer address %v is not valid: give address and port", h.Name, spec.Addr)
	}
	options := socketOptions{CC: spec.CC, Control: spec.Control}
	if spec.FastOpen {
		options.FastOpen = connectFastOpen
	}
	dialer := net.Dialer{Control: options.apply}
	dialer.SetMultipathTCP(spec.MPTCP)
	if spec.Local.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(spec.Local, 0))
	}

	var conn net.Conn
	err := spec.Cgroup.Run(func() error {
		return h.Do(func() error {
			start = time.Now()
			var err error
			conn, err = dialer.DialContext(ctx, "tcp", spec.Addr.String())
			return err
		})
	})
	if err != nil {
		return nil, start, fmt.Errorf("connect from %s: %w", h.Name, err)
	}
	tcp := conn.(*net.TCPConn)
	if h.roomy && !spec.MPTCP && spec.Control == nil { // which may have set a buffer of its own
		err = open(tcp)
	}
	if err != nil {
		tcp.Close()
		return nil, start, fmt.Errorf("open the window of %s: %w", h.Name, err)
	}
	return tcp, start, nil
}
