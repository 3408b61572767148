// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "1": 1, "262144": 262144, "256KiB": 256 << 10, "256 KiB": 256 << 10, "1.5MB": 1_500_000,
		"1kB": 1000, "1KB": 1000, "12B": 12, "4294967295": 4294967295, "3.5GiB": 3758096384, " 7 ": 7,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("ParseBytes(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"": "not a size", "KiB": "not a size", "ten": "not a size", "1 2": "not a size", "0x10": "not a size", "1_000": "not a size",
		"NaN": "not a size", "-1": "negative", "-1KiB": "negative", "4GiB": "too large", "4294967296": "too large",
		"18446744073709551615GiB": "too large", "1e99": "too large", "Inf": "too large",
	} {
		if got, err := ParseBytes(text); err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), text) {
			t.Errorf("ParseBytes(%q) = %d, %v; want an error that names it and says %q", text, got, err, why)
		}
	}
}

func TestBytesText(t *testing.T) {
	for b, want := range map[Bytes]string{0: "0", 1: "1", 1023: "1023", 1024: "1KiB", 1536: "1536", 3 << 20: "3MiB", 1 << 30: "1GiB"} {
		if got := b.String(); got != want {
			t.Errorf("Bytes(%d).String() = %q, want %q", b, got, want)
		}
	}
}

func TestBytesJSON(t *testing.T) {
	for text, want := range map[string]Bytes{`1000`: 1000, `"1KiB"`: 1024} {
		var b Bytes
		if err := json.Unmarshal([]byte(text), &b); err != nil || b != want {
			t.Errorf("%s = %d, %v; want %d", text, b, err, want)
		}
	}
	var b Bytes
	if err := json.Unmarshal([]byte(`-1`), &b); err == nil {
		t.Error("-1 was accepted")
	}
}
