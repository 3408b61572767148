// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes is a congestion window or threshold in bytes, as QUIC counts them. The
// kernel maps hold 32 bits; TCP itself stops at 1 GiB (RFC 7323 section 2.3).
type Bytes uint32

var byteUnits = []struct {
	name  string
	bytes uint64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"KB", 1e3}, {"B", 1},
}

// ParseBytes reads "256KiB", "1.5MB" or a plain number of bytes.
func ParseBytes(text string) (Bytes, error) {
	number, unit := strings.TrimSpace(text), uint64(1)
	for _, u := range byteUnits {
		if rest, ok := strings.CutSuffix(number, u.name); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	if n, err := strconv.ParseUint(number, 10, 64); err == nil {
		if n > math.MaxUint32/unit {
			return 0, tooManyBytes(text)
		}
		return Bytes(n * unit), nil
	}
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || math.IsNaN(n) || strings.ContainsAny(number, "xXpP_"):
		return 0, fmt.Errorf("%q is not a size: give bytes as a number, or with a unit as in 256KiB or 1MB", text)
	case n < 0:
		return 0, fmt.Errorf("%q is negative: give a size of 0 bytes or more", text)
	case n*float64(unit) > math.MaxUint32:
		return 0, tooManyBytes(text)
	}
	return Bytes(n * float64(unit)), nil
}

func tooManyBytes(text string) error {
	return fmt.Errorf("%q is too large: the maps hold at most %d bytes (4GiB - 1)", text, uint32(math.MaxUint32))
}

// String writes the size with the largest unit that leaves no fraction.
func (b Bytes) String() string {
	for _, u := range byteUnits[:3] {
		if b != 0 && uint64(b)%u.bytes == 0 {
			return strconv.FormatUint(uint64(b)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatUint(uint64(b), 10)
}

// UnmarshalJSON takes a number of bytes or a string with a unit.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	text := string(data)
	if len(data) > 0 && data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	parsed, err := ParseBytes(text)
	*b = parsed
	return err
}
