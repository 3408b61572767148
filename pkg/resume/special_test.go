// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"net/netip"
	"strings"
	"testing"
)

// The first and the last address of each row of IANA's registries, and those beside it.
func TestSpecialUse(t *testing.T) {
	for ip, word := range map[string]string{
		"0.0.0.1": "this network", "0.255.255.255": "this network", "1.0.0.0": "",
		"9.255.255.255": "", "10.0.0.0": "private", "10.255.255.255": "private", "11.0.0.0": "",
		"100.63.255.255": "", "100.64.0.0": "shared", "100.127.255.255": "shared", "100.128.0.0": "",
		"127.0.0.1": "loopback", "169.254.169.254": "link-local", "172.15.255.255": "", "172.16.0.0": "private", "172.31.255.255": "private", "172.32.0.0": "",
		"192.0.0.1": "IETF", "192.0.0.9": "", "192.0.0.10": "", "192.0.0.170": "IETF", "192.0.1.0": "", "192.31.196.1": "", "192.52.193.1": "", "192.175.48.1": "",
		"192.88.99.1": "6to4", "192.168.255.255": "private", "192.169.0.0": "",
		"198.17.255.255": "", "198.18.0.0": "benchmarks", "198.19.255.255": "benchmarks", "198.20.0.0": "",
		"223.255.255.255": "", "224.0.0.1": "multicast", "240.0.0.1": "reserved", "255.255.255.255": "reserved",
		"192.0.2.1": "", "198.51.100.1": "", "203.0.113.1": "", "2001:db8::1": "", "3fff::1": "", // documentation
		"::": "reserved", "::1": "loopback", "::192.168.1.1": "reserved", "::ffff:8.8.8.8": "", "::ffff:100.64.1.1": "shared",
		"64:ff9b::8.8.8.8": "", "64:ff9b::10.0.0.1": "private", "64:ff9b:1::1": "local translator", "100::1": "discard", "100:0:0:1::1": "discard",
		"1fff::1": "reserved", "2000::1": "", "2a00:1450::1": "", "2620:4f:8000::1": "", "3ffe::1": "", "4000::1": "reserved",
		"2001::1": "IETF", "2001:1::1": "", "2001:1::4": "IETF", "2001:2::1": "IETF", "2001:3::1": "", "2001:4:112::1": "", "2001:10::1": "IETF", "2001:20::1": "", "2001:30::1": "", "2001:1ff::1": "IETF", "2001:200::1": "",
		"2002:808:808::1": "6to4", "5f00::1": "segment", "fd00::1": "private", "fc00::1": "private", "fe80::1": "link-local", "febf::1": "link-local", "fec0::1": "site-local", "ff02::1": "multicast",
	} {
		what := SpecialUse(netip.MustParseAddr(ip))
		if (what == "") != (word == "") || !strings.Contains(what, word) {
			t.Errorf("%s is %q, want %q", ip, what, word)
		}
	}
}
