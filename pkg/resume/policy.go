// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// Policy is what an operator allows for the peers of a prefix. The kernel
// enforces it, whoever wrote an entry.
type Policy struct {
	Mode        Mode
	Sharing     Sharing
	Scope       Scope
	Dropin      Dropin
	Live        Live
	MaxCwnd     Bytes         // 0: no cap
	MaxSsthresh Bytes         // 0: no cap
	MaxJump     Bytes         // RFC 9959 max_jump; 0: no cap
	Lifetime    time.Duration // whole seconds; no entry is used longer after it was stored
	KeyBitsV4   int           // 0..32: addresses that agree in so many bits share an entry
	KeyBitsV6   int           // 0..128
	Learn       bool          // connections save what they found
	RTTLow      int           // percent of the saved RTT, exclusive (RFC 9959 section 4.2.1: 50)
	RTTHigh     int           // percent, inclusive (1000)
}

// DefaultPolicy is in force where no prefix matches.
func DefaultPolicy() Policy {
	return Policy{
		Mode:      ModeCareful,
		Sharing:   SharingSingle,
		Scope:     ScopeHost,
		Dropin:    DropinFallback,
		Live:      LiveIdle,
		MaxJump:   1 << 20,
		Lifetime:  10 * time.Minute,
		KeyBitsV4: 32,
		KeyBitsV6: 64, // of which a site has that many addresses, and one may fill the map
		Learn:     true,
		RTTLow:    50,
		RTTHigh:   1000,
	}
}

// Validate says what is wrong with a policy, and what to do.
func (p Policy) Validate() error {
	var errs []error
	errs = append(errs,
		checkWord("mode", p.Mode, PolicyModes),
		checkWord("sharing", p.Sharing, PolicySharings),
		checkWord("scope", p.Scope, Scopes),
		checkWord("dropin rule", p.Dropin, Dropins),
		checkWord("live rule", p.Live, Lives))
	if p.Lifetime < time.Second || p.Lifetime > MaxTTL || p.Lifetime%time.Second != 0 {
		errs = append(errs, fmt.Errorf("lifetime %v is out of range: give whole seconds from 1s to %v", p.Lifetime, MaxTTL))
	}
	errs = append(errs,
		checkRange("IPv4 key length", p.KeyBitsV4, 0, 32),
		checkRange("IPv6 key length", p.KeyBitsV6, 0, 128),
		checkRange("lower RTT bound in percent", p.RTTLow, 0, 100),
		checkRange("upper RTT bound in percent", p.RTTHigh, 100, math.MaxUint16))
	return errors.Join(errs...)
}

func checkRange(what string, value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("%s %d is out of range: give %d to %d", what, value, low, high)
	}
	return nil
}

// ParsePrefix reads a policy's prefix; "default" is every peer of both families.
func ParsePrefix(text string) (netip.Prefix, error) {
	if text == "default" {
		return netip.Prefix{}, nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		addr, addrErr := netip.ParseAddr(text)
		if addrErr != nil || addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q is not a prefix: use 192.0.2.0/24, 2001:db8::/32, one address, or default", text)
		}
		prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	if prefix.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is an IPv4-mapped prefix: write it as IPv4", text)
	}
	if masked := prefix.Masked(); masked != prefix {
		return netip.Prefix{}, fmt.Errorf("%q has bits set behind its length: did you mean %s?", text, masked)
	}
	if prefix.Addr() == netip.IPv6Unspecified() && prefix.Bits() <= 80 {
		return netip.Prefix{}, fmt.Errorf("%q would also match IPv4 peers, which the kernel keys as ::ffff:a.b.c.d: use default for both families, or 2000::/3 for global IPv6", text)
	}
	return prefix, nil
}

// FormatPrefix is the inverse of ParsePrefix.
func FormatPrefix(prefix netip.Prefix) string {
	if !prefix.IsValid() {
		return "default"
	}
	return prefix.String()
}
