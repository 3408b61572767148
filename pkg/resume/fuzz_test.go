// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"testing"
)

func FuzzParseBytes(f *testing.F) {
	for _, text := range []string{"0", "256KiB", "1.5MB", " 12 kB", "4294967295", "4GiB", "1e3", "-0", "0.1B", "1e-400GiB", "+7KB", ".5MiB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseBytes(text)
		if err != nil {
			if got != 0 || !strings.Contains(err.Error(), ": ") {
				t.Fatalf("%q gave %d and %q, which says no remedy", text, got, err)
			}
			return
		}
		if again, err := ParseBytes(got.String()); err != nil || again != got {
			t.Fatalf("%q gave %d, written %s, which gave %d, %v", text, got, got, again, err)
		}
		if exact, ok := rational(text); ok && math.Abs(exact-float64(got)) >= 1+exact*1e-15 {
			t.Fatalf("%q gave %d, which is %g", text, got, exact)
		}
	})
}

// rational works a size out without rounding, where it is small enough to.
func rational(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	unit := uint64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(text, u.name); ok {
			text, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if len(text) > 20 || strings.ContainsAny(text, "eE") {
		return 0, false
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return 0, false
	}
	exact, _ := number.Mul(number, new(big.Rat).SetUint64(unit)).Float64()
	return exact, true
}

func FuzzBytesJSON(f *testing.F) {
	for _, text := range []string{`1`, `"1KiB"`, `null`, `1e3`, `"\u0031"`, `{}`, `""`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, again Bytes
		if json.Unmarshal(text, &got) != nil {
			return
		}
		plain, err := json.Marshal(got)
		if err != nil || json.Unmarshal(plain, &again) != nil || again != got {
			t.Fatalf("%q gave %d, written %s, which gave %d (%v)", text, got, plain, again, err)
		}
	})
}

func FuzzParsePrefix(f *testing.F) {
	for _, text := range []string{"default", "192.0.2.0/24", "2001:db8::/32", "198.51.100.7", "2000::/3", "::/96", "::ffff:192.0.2.0/120", "fe80::1%eth0", "0.0.0.0/0"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParsePrefix(text)
		if err != nil {
			return
		}
		if again, err := ParsePrefix(FormatPrefix(got)); err != nil || again != got {
			t.Fatalf("%q gave %v, written %s, which gave %v, %v", text, got, FormatPrefix(got), again, err)
		}
		mapped := netip.MustParseAddr("::ffff:192.0.2.1")
		if got.IsValid() && (got != got.Masked() || got.Addr().Zone() != "" || got.Addr().Is4In6() || got.Addr().Is6() && got.Contains(mapped)) {
			t.Fatalf("%q gave %v, which the kernel would match otherwise", text, got)
		}
	})
}

func FuzzParsePeer(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "fe80::1%eth0", "224.0.0.1", "::", "255.255.255.255", "192.0.2.0/24"} {
		f.Add(text)
	}
	policy := DefaultPolicy()
	policy.KeyBitsV6 = 128
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParsePeer(text)
		if err != nil {
			return
		}
		if again, err := ParsePeer(got.String()); err != nil || again != got {
			t.Fatalf("%q gave %v, which gave %v, %v", text, got, again, err)
		}
		if got.Is4In6() || got.Zone() != "" || got.IsMulticast() || got.IsUnspecified() || policy.MaskPeer(got) != got {
			t.Fatalf("%q gave %v, which is no key", text, got)
		}
	})
}
