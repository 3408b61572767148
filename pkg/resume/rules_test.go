// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestParsePeer(t *testing.T) {
	for text, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::1"} {
		if got, err := ParsePeer(text); err != nil || got.String() != want {
			t.Errorf("ParsePeer(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "not an address", "host": "not an address", "192.0.2.0/24": "prefixes belong to policies", "fe80::1%eth0": "zone",
		"0.0.0.0": "unicast", "::": "unicast", "224.0.0.1": "unicast", "ff02::1": "unicast", "255.255.255.255": "unicast",
	} {
		if got, err := ParsePeer(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ParsePeer(%q) = %v, %v; want an error that says %q", text, got, err, why)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for _, text := range []string{"default", "0.0.0.0/0", "192.0.2.0/24", "2001:db8::/32", "::/96", "2000::/3"} {
		prefix, err := ParsePrefix(text)
		if err != nil || FormatPrefix(prefix) != text {
			t.Errorf("ParsePrefix(%q) = %v, %v", text, prefix, err)
		}
	}
	if prefix, err := ParsePrefix("192.0.2.1"); err != nil || prefix != netip.MustParsePrefix("192.0.2.1/32") {
		t.Errorf("one address is %v, %v", prefix, err)
	}
	for text, why := range map[string]string{
		"": "not a prefix", "all": "not a prefix", "192.0.2.1/24": "did you mean 192.0.2.0/24", "::ffff:192.0.2.0/120": "write it as IPv4",
		"::/0": "match IPv4", "::/80": "match IPv4",
	} {
		if got, err := ParsePrefix(text); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("ParsePrefix(%q) = %v, %v; want an error that says %q", text, got, err, why)
		}
	}
}

func TestPolicyValidate(t *testing.T) {
	if err := DefaultPolicy().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for why, change := range map[string]func(*Policy){
		"mode":                  func(p *Policy) { p.Mode = ModePolicy },
		"sharing":               func(p *Policy) { p.Sharing = "twice" },
		"scope":                 func(p *Policy) { p.Scope = "" },
		"dropin rule":           func(p *Policy) { p.Dropin = "sometimes" },
		"lifetime":              func(p *Policy) { p.Lifetime = 1500 * time.Millisecond },
		"IPv4 key length":       func(p *Policy) { p.KeyBitsV4 = 33 },
		"IPv6 key length":       func(p *Policy) { p.KeyBitsV6 = -1 },
		"lower RTT bound":       func(p *Policy) { p.RTTLow = 101 },
		"upper RTT bound":       func(p *Policy) { p.RTTHigh = 99 },
		"is out of range: give": func(p *Policy) { p.Lifetime = 0 },
	} {
		p := DefaultPolicy()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

func TestMaskPeer(t *testing.T) {
	p := DefaultPolicy()
	p.KeyBitsV4, p.KeyBitsV6 = 24, 64
	for text, want := range map[string]string{"192.0.2.77": "192.0.2.0", "2001:db8::a:b:c:d": "2001:db8::", "::ffff:192.0.2.77": "192.0.2.0"} {
		if got := p.MaskPeer(netip.MustParseAddr(text)); got.String() != want {
			t.Errorf("MaskPeer(%s) = %v, want %s", text, got, want)
		}
	}
}

func TestPathValidate(t *testing.T) {
	good := Path{Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 1000, RTT: time.Millisecond, Mode: ModeExact, Sharing: SharingSingle, Source: SourceOperator}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for why, change := range map[string]func(*Path){
		"the peer is missing": func(p *Path) { p.Peer = netip.Addr{} },
		"cwnd is 0":           func(p *Path) { p.Cwnd = 0 },
		"rtt -1":              func(p *Path) { p.RTT = -1 },
		"rtt 1ns":             func(p *Path) { p.RTT = 1 },
		"rtt 2h0m0s":          func(p *Path) { p.RTT = 2 * time.Hour },
		"ttl":                 func(p *Path) { p.TTL = -time.Second },
		"not a mode":          func(p *Path) { p.Mode = "" },
		"not a source":        func(p *Path) { p.Source = "guess" },
	} {
		p := good
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}
