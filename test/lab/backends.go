// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab/internal/netns"
)

// Backends turns Lab.Server into a router that balances: each flow to the virtual
// addresses goes to one of n hosts behind it, by a hash of addresses and ports as
// routers with equal-cost paths do it, and answers go straight back. The flows of
// one client over UDP and TCP are different flows. The caller must Close the hosts.
func (l *Lab) Backends(n int, vip4, vip6 netip.Addr) ([]*Host, error) {
	for key, value := range map[string]string{
		"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1",
		"net.ipv4.fib_multipath_hash_policy": "1", "net.ipv6.fib_multipath_hash_policy": "1", // ports count
	} {
		if err := l.Server.Sysctl(key, value); err != nil {
			return nil, err
		}
	}
	var hosts []*Host
	for i := range n {
		host, err := l.backend(i, vip4, vip6)
		if err != nil {
			return nil, errors.Join(err, closeAll(hosts))
		}
		hosts = append(hosts, host)
	}
	for _, vip := range []netip.Addr{vip4, vip6} {
		if err := l.Server.Do(func() error { return balance(vip, n) }); err != nil {
			return nil, errors.Join(err, closeAll(hosts))
		}
	}
	return hosts, nil
}

// Close removes a host that Backends made.
func (h *Host) Close() error { return h.close() }

func closeAll(hosts []*Host) error {
	var errs []error
	for _, h := range hosts {
		errs = append(errs, h.close())
	}
	return errors.Join(errs...)
}

func port(i int) string { return fmt.Sprintf("behind%d", i) }

// links are the addresses of both ends of a backend's wire.
func links(i int) (router, host []netip.Prefix) {
	of := func(end byte) []netip.Prefix {
		return []netip.Prefix{
			netip.PrefixFrom(netip.AddrFrom4([4]byte{169, 254, byte(i), end}), 30),
			netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("fd00:20:%x::%d", i, end)), 126),
		}
	}
	return of(1), of(2)
}

func (l *Lab) backend(i int, vips ...netip.Addr) (*Host, error) {
	namespace, err := netns.New()
	if err != nil {
		return nil, err
	}
	h := &Host{Name: fmt.Sprintf("backend %d", i), IPv4: vips[0], IPv6: vips[1], namespace: namespace, tun: -1}
	router, host := links(i)
	err = l.Server.Do(func() error {
		wire := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: port(i), MTU: l.path.MTU}, PeerName: device, PeerNamespace: netlink.NsFd(namespace.FD())}
		if err := netlink.LinkAdd(wire); err != nil {
			return fmt.Errorf("wire to %s: %w", h.Name, err)
		}
		return up(port(i), router)
	})
	if err == nil {
		err = h.Do(func() error {
			if err := up("lo", nil); err != nil {
				return err
			}
			if err := up(device, host); err != nil {
				return err
			}
			return defaultRoutes(router)
		})
	}
	for _, vip := range vips {
		err = errors.Join(err, h.AddAddr(vip))
	}
	err = errors.Join(err, h.Sysctl("net.ipv4.tcp_no_metrics_save", "1"), h.Sysctl("net.ipv4.tcp_wmem", largeSendBuffer))
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func up(name string, addrs []netip.Prefix) error {
	found, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find device %s: %w", name, err)
	}
	for _, addr := range addrs {
		if err := netlink.AddrAdd(found, &netlink.Addr{IPNet: ipNet(addr), Flags: unix.IFA_F_NODAD}); err != nil {
			return fmt.Errorf("add address %v to %s: %w", addr, name, err)
		}
	}
	return netlink.LinkSetUp(found)
}

func defaultRoutes(via []netip.Prefix) error {
	for _, router := range via {
		everything := ipNet(netip.PrefixFrom(unspecified(router.Addr()), 0))
		if err := netlink.RouteAdd(&netlink.Route{Dst: everything, Gw: router.Addr().AsSlice()}); err != nil {
			return fmt.Errorf("default route by %v: %w", router.Addr(), err)
		}
	}
	return nil
}

func balance(vip netip.Addr, n int) error {
	route := &netlink.Route{Dst: ipNet(netip.PrefixFrom(vip, vip.BitLen()))}
	for i := range n {
		wire, err := netlink.LinkByName(port(i))
		if err != nil {
			return err
		}
		_, host := links(i)
		gateway := host[0].Addr()
		if vip.Is6() {
			gateway = host[1].Addr()
		}
		route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{LinkIndex: wire.Attrs().Index, Gw: net.IP(gateway.AsSlice())})
	}
	if err := netlink.RouteAdd(route); err != nil {
		return fmt.Errorf("balancing %v: %w", vip, err)
	}
	return nil
}
