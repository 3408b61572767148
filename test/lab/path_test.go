// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"testing"
	"time"
)

func TestBDPAndIdeal(t *testing.T) {
	p := Path{RTT: 100 * time.Millisecond, Rate: 100e6}
	if got := p.BDP(); got != 1_250_000 {
		t.Errorf("bdp is %d bytes, want 1250000", got)
	}
	// 691 packets with 52 bytes of headers each.
	const bits = (1_000_000 + 691*52) * 8
	want := 200*time.Millisecond + time.Duration(bits*10)
	if got := p.Ideal(1e6); (got - want).Abs() > time.Microsecond {
		t.Errorf("ideal is %v, want %v", got, want)
	}
}

func TestImpossiblePathsAreRefused(t *testing.T) {
	for name, p := range map[string]Path{
		"no rate":        {RTT: time.Second},
		"negative rtt":   {RTT: -1, Rate: 1},
		"negative queue": {Rate: 1, Queue: -1},
		"loss above 1":   {Rate: 1, Loss: 1.1},
		"small mtu":      {Rate: 1, MTU: 1279},
		"large mtu":      {Rate: 1, MTU: 65536},
	} {
		if _, err := New(p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
