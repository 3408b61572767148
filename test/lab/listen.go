// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// ListenSpec says how to listen.
type ListenSpec struct {
	// Network is "tcp4", "tcp6" or "tcp"; "tcp" with no Addr listens on both
	// families with one socket. Empty means "tcp".
	Network string
	// Addr is the local address and port; the zero value means every address
	// and a port of the kernel's choice.
	Addr netip.AddrPort
	// CC names the congestion control of the listener and of the connections
	// it accepts; empty leaves the kernel's default.
	CC string
	// FastOpen accepts data in the SYN from clients with a valid cookie.
	FastOpen bool
	// MPTCP listens for multipath TCP.
	MPTCP bool
	// Cgroup is the cgroup of the listener and of the sockets it accepts; nil
	// means the one of this process.
	Cgroup *Cgroup
	// Control, if set, sees the socket before it is bound.
	Control func(fd int) error
}

// Listen opens a listening socket inside the host.
func (h *Host) Listen(ctx context.Context, spec ListenSpec) (net.Listener, error) {
	network := spec.Network
	if network == "" {
		network = "tcp"
	}
	options := socketOptions{CC: spec.CC, Control: spec.Control}
	if spec.FastOpen {
		if err := h.Sysctl("net.ipv4.tcp_fastopen", fastOpenBothEnds); err != nil {
			return nil, err
		}
		options.FastOpen = acceptFastOpen
	}
	config := net.ListenConfig{Control: options.apply}
	config.SetMultipathTCP(spec.MPTCP)

	var listener net.Listener
	err := spec.Cgroup.Run(func() error {
		return h.Do(func() error {
			var err error
			listener, err = config.Listen(ctx, network, listenAddress(spec.Addr))
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", h.Name, err)
	}
	return listener, nil
}

func listenAddress(addr netip.AddrPort) string {
	if !addr.Addr().IsValid() {
		return ":" + strconv.Itoa(int(addr.Port()))
	}
	return addr.String()
}
