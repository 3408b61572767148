// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	device = "path"
	// transmitQueue is how many packets a sender may hand to the link at once:
	// more than any window a lab emulates, and all that Debian's 6.12.117 allows.
	transmitQueue = 32767
)

func (h *Host) configure(mtu int) error {
	// Without this the device would make an address and solicit routers itself.
	if err := h.Sysctl("net.ipv6.conf."+device+".addr_gen_mode", "1"); err != nil {
		return err
	}
	if err := h.Sysctl("net.ipv6.conf."+device+".accept_ra", "0"); err != nil {
		return err
	}
	if err := h.Do(func() error { return raise(mtu) }); err != nil {
		return err
	}
	for _, addr := range []netip.Addr{h.IPv4, h.IPv6} {
		if err := h.AddAddr(addr); err != nil {
			return err
		}
		everything := netip.PrefixFrom(unspecified(addr), 0)
		if err := h.replaceRoute(everything, netlink.Route{Src: addr.AsSlice()}); err != nil {
			return err
		}
	}
	return nil
}

func raise(mtu int) error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find loopback device: %w", err)
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return fmt.Errorf("set loopback device up: %w", err)
	}
	path, err := netlink.LinkByName(device)
	if err != nil {
		return fmt.Errorf("find device %s: %w", device, err)
	}
	if err := netlink.LinkSetMTU(path, mtu); err != nil {
		return fmt.Errorf("set mtu %d of device %s: %w", mtu, device, err)
	}
	if err := netlink.LinkSetTxQLen(path, transmitQueue); err != nil {
		return fmt.Errorf("set transmit queue of device %s: %w", device, err)
	}
	if err := netlink.LinkSetUp(path); err != nil {
		return fmt.Errorf("set device %s up: %w", device, err)
	}
	return nil
}

// AddAddr gives the host one more address, usable at once. The other host reaches
// any address over the path.
func (h *Host) AddAddr(addr netip.Addr) error {
	return h.Do(func() error {
		path, err := netlink.LinkByName(device)
		if err != nil {
			return fmt.Errorf("find device %s: %w", device, err)
		}
		address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(addr, addr.BitLen()))}
		if addr.Is6() {
			address.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(path, address); err != nil {
			return fmt.Errorf("add address %v to %s: %w", addr, h.Name, err)
		}
		return nil
	})
}

// RouteInitCwnd sets the initial congestion window, in segments, of connections
// from this host to peer, as `ip route replace <peer> ... initcwnd <segments>`.
func (h *Host) RouteInitCwnd(peer netip.Addr, segments int) error {
	source := h.Addr(peer.Is6()).AsSlice()
	return h.replaceRoute(netip.PrefixFrom(peer, peer.BitLen()), netlink.Route{Src: source, InitCwnd: segments})
}

func (h *Host) replaceRoute(to netip.Prefix, route netlink.Route) error {
	return h.Do(func() error {
		path, err := netlink.LinkByName(device)
		if err != nil {
			return fmt.Errorf("find device %s: %w", device, err)
		}
		route.LinkIndex, route.Dst = path.Attrs().Index, ipNet(to)
		if err := netlink.RouteReplace(&route); err != nil {
			return fmt.Errorf("set route to %v of %s: %w", to, h.Name, err)
		}
		return nil
	})
}

func (h *Host) transmitDrops() (uint64, error) {
	var dropped uint64
	err := h.Do(func() error {
		path, err := netlink.LinkByName(device)
		if err != nil {
			return fmt.Errorf("read counters of device %s: %w", device, err)
		}
		if counts := path.Attrs().Statistics; counts != nil {
			dropped = counts.TxDropped
		}
		return nil
	})
	return dropped, err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// RouteCwndLock bounds the windows of connections from this host to peer, in
// segments, as `ip route replace <peer> ... cwnd lock <segments>`; 0 lifts the
// bound. The kernel applies it from the second connection to the peer on.
func (h *Host) RouteCwndLock(peer netip.Addr, segments int) error {
	arguments := []string{"route", "replace", netip.PrefixFrom(peer, peer.BitLen()).String(), "dev", device, "src", h.Addr(peer.Is6()).String()}
	if segments > 0 {
		arguments = append(arguments, "cwnd", "lock", strconv.Itoa(segments))
	}
	return h.Do(func() error {
		if out, err := exec.Command("ip", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", strings.Join(arguments, " "), err, out)
		}
		return nil
	})
}
