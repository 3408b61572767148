// SPDX-License-Identifier: Apache-2.0

package lab

import "time"

// Bytes of headers in a packet, TCP timestamps included, as Linux sends them.
const (
	headersIPv4 = 20 + 20 + 12
	headersIPv6 = 40 + 20 + 12
)

// BDP is the bandwidth-delay product in bytes.
func (p Path) BDP() int {
	return int(float64(p.Rate) / 8 * p.RTT.Seconds())
}

// Ideal is the time in which a sender that knows the path brings payload bytes
// to a client that has to connect first: two round trips, and the time that the
// bytes and their IPv4 headers take at the bottleneck.
func (p Path) Ideal(payload int) time.Duration {
	return 2*p.RTT + p.transmission(payload, headersIPv4)
}

func (p Path) transmission(payload, headers int) time.Duration {
	segment := p.withDefaults().MTU - headers
	packets := (payload + segment - 1) / segment
	bits := float64(payload+packets*headers) * 8
	return time.Duration(bits / float64(p.Rate) * float64(time.Second))
}
