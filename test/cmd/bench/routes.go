// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"net"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// addRoutes times what a server without tcpresume has to do for the same peers.
func addRoutes(paths []resume.Path) (time.Duration, error) {
	l, err := lab.New(lab.Path{RTT: time.Millisecond, Rate: 1e9})
	if err != nil {
		return 0, err
	}
	var took time.Duration
	err = l.Server.Do(func() error {
		socket, err := netlink.NewHandle()
		if err != nil {
			return err
		}
		defer socket.Close()
		loopback, err := socket.LinkByName("lo")
		if err != nil {
			return err
		}
		start := time.Now()
		for _, p := range paths {
			to := &net.IPNet{IP: p.Peer.AsSlice(), Mask: net.CIDRMask(32, 32)}
			if err := socket.RouteReplace(&netlink.Route{LinkIndex: loopback.Attrs().Index, Dst: to, InitCwnd: 170}); err != nil {
				return err
			}
		}
		took = time.Since(start)
		return nil
	})
	return took, errors.Join(err, l.Close())
}
