// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ParsePeer reads the address of a peer. RFC 9959 section 1 covers unicast only.
func ParsePeer(text string) (netip.Addr, error) {
	if strings.HasPrefix(text, tokenPrefix) {
		return netip.Addr{}, errors.New("a token is not an address: it is known to this machine's \"tcpresume put\", \"get\" and \"delete\" only")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		hint := "give an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1"
		if _, _, found := strings.Cut(text, "/"); found {
			hint = "a peer is one address; prefixes belong to policies"
		}
		return netip.Addr{}, fmt.Errorf("%q is not an address: %s", text, hint)
	}
	return addr.Unmap(), CheckPeer(addr.Unmap())
}

// CheckPeer reports why an address cannot be the peer of a TCP connection.
func CheckPeer(addr netip.Addr) error {
	switch {
	case !addr.IsValid():
		return fmt.Errorf("the peer is missing: give an IPv4 or IPv6 address")
	case addr.Zone() != "":
		return fmt.Errorf("peer %s has a zone: the kernel's key is the address alone, write %s", addr, addr.WithZone(""))
	case addr.IsUnspecified(), addr.IsMulticast(), addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("peer %s is not a unicast address: no TCP connection comes from it", addr)
	}
	return nil
}

// MaskPeer is the key of a peer under a policy: IPv4 keeps KeyBitsV4 bits, IPv6 KeyBitsV6.
func (p Policy) MaskPeer(addr netip.Addr) netip.Addr {
	bits := p.KeyBitsV6
	if addr.Unmap().Is4() {
		bits = p.KeyBitsV4
	}
	prefix, err := addr.Unmap().Prefix(bits)
	if err != nil { // bits out of range: Validate refuses such policies
		return addr.Unmap()
	}
	return prefix.Addr()
}
