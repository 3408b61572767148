// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/test/scene"
)

// side is where a connection's sender is: which end it is, and over what.
type side struct {
	ipv6 bool
	end  string // "active" if it connects, "passive" if it is connected to
}

func (s side) String() string { return family(s.ipv6) + " " + s.end }

func family(ipv6 bool) string {
	if ipv6 {
		return "IPv6"
	}
	return "IPv4"
}

var allSides = []side{{false, "active"}, {false, "passive"}, {true, "active"}, {true, "passive"}}

// sides are those that a test is run for: with -short two that have each value once.
func sides() []side {
	if testing.Short() {
		return allSides[1:3]
	}
	return allSides
}

// onSides runs a test on each side with each congestion control: with -short each of both once.
func onSides(t *testing.T, test func(t *testing.T, on side, cc string)) {
	for i, on := range allSides {
		for j, cc := range scene.Controls {
			if !testing.Short() || i%len(scene.Controls) == j {
				t.Run(on.String()+" "+cc, func(t *testing.T) { test(t, on, cc) })
			}
		}
	}
}
