// SPDX-License-Identifier: Apache-2.0

package resume

import "net/netip"

// special is one row of IANA's registries of special-purpose addresses (RFC
// 6890 and what updates it) and of IPv6 address space.
type special struct {
	prefix netip.Prefix
	what   string // empty: reachable from everywhere, inside a row that is not
}

func row(prefix, what string) special { return special{netip.MustParsePrefix(prefix), what} }

// specials are the rows that decide. The prefixes of documentation are left out:
// nobody routes them, and examples and labs show with them what holds for all.
var specials = []special{
	row("0.0.0.0/8", "an address of this network"),
	row("10.0.0.0/8", "a private address"),
	row("100.64.0.0/10", "an address of shared space (RFC 6598), as of carriers, VPNs and pods"),
	row("127.0.0.0/8", "a loopback address"),
	row("169.254.0.0/16", "a link-local address"),
	row("172.16.0.0/12", "a private address"),
	row("192.0.0.0/24", "an address of IETF protocols"),
	row("192.0.0.9/32", ""),  // port control protocol
	row("192.0.0.10/32", ""), // TURN
	row("192.88.99.0/24", "an address of 6to4 relays"),
	row("192.168.0.0/16", "a private address"),
	row("198.18.0.0/15", "an address for benchmarks"),
	row("224.0.0.0/3", "a multicast or reserved address"),

	row("::/0", "a reserved address"), // beside 2000::/3 nothing is assigned as global unicast
	row("::1/128", "a loopback address"),
	row("64:ff9b::/96", ""), // IPv4 behind a translator
	row("64:ff9b:1::/48", "an address of a local translator"),
	row("100::/64", "an address to discard"),
	row("100:0:0:1::/64", "an address to discard"),
	row("2000::/3", ""),
	row("2001::/23", "an address of IETF protocols"), // Teredo, too, which is a tunnel's
	row("2001:1::1/128", ""),                         // port control protocol
	row("2001:1::2/128", ""),                         // TURN
	row("2001:1::3/128", ""),                         // DNS-SD service registration
	row("2001:3::/32", ""),                           // AMT
	row("2001:4:112::/48", ""),                       // AS112
	row("2001:20::/28", ""),                          // ORCHIDv2
	row("2001:30::/28", ""),                          // drone remote identification
	row("2002::/16", "an address of a 6to4 tunnel"),
	row("5f00::/16", "a segment identifier (SRv6)"),
	row("fc00::/7", "a private address"),
	row("fe80::/10", "a link-local address"),
	row("fec0::/10", "a site-local address"),
	row("ff00::/8", "a multicast address"),
}

var translated = netip.MustParsePrefix("64:ff9b::/96")

// SpecialUse says what an address is that is not reachable from everywhere, as
// in "a private address": another host at another place. It is empty for the
// others, which are global.
func SpecialUse(addr netip.Addr) string {
	addr = addr.Unmap()
	if translated.Contains(addr) {
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	what, bits := "", -1
	for _, s := range specials {
		if s.prefix.Bits() > bits && s.prefix.Contains(addr) {
			what, bits = s.what, s.prefix.Bits()
		}
	}
	return what
}
