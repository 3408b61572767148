// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"testing"
	"time"
)

func TestParseBootOffset(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"monotonic           0         0\nboottime            0         0\n": 0,
		"monotonic          90         5\nboottime        86400         7\n": 24*time.Hour + 7,
		"monotonic           0         0\nboottime        -3600 999999999\n": -time.Hour + 999999999,
		"": 0, "boottime nonsense\n": 0,
	} {
		if got := parseBootOffset([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}
