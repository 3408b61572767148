// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/test/lab/internal/link"
)

// Path describes the emulated path. Sizes are bytes of IP packets; there is no
// link layer.
type Path struct {
	// RTT is the two-way propagation delay; each direction gets half.
	RTT time.Duration
	// Rate is the bottleneck of each direction in bits per second.
	Rate uint64
	// Queue is the drop-tail queue in front of the bottleneck of each direction,
	// in bytes; 0 means one BDP.
	Queue int
	// Loss is the probability, 0 to 1, that a packet from server to client is
	// lost at random.
	Loss float64
	// Seed fixes which packets are lost: the n-th packet of two labs with the
	// same seed has the same luck.
	Seed uint64
	// MTU is the largest IP packet in bytes; 0 means 1500, the least is 1280.
	MTU int
	// StockWindow leaves the client's receive window at the kernel's default
	// instead of one that never limits the server.
	StockWindow bool
}

const (
	defaultMTU = 1500
	minMTU     = 1280 // IPv6 refuses less
	maxMTU     = 65535
)

func (p Path) withDefaults() Path {
	if p.MTU == 0 {
		p.MTU = defaultMTU
	}
	if p.Queue == 0 {
		p.Queue = max(p.BDP(), p.MTU)
	}
	return p
}

func (p Path) validate() error {
	switch {
	case p.RTT < 0:
		return fmt.Errorf("path rtt is %v: give 0 or more", p.RTT)
	case p.Rate == 0:
		return fmt.Errorf("path rate is 0: give bits per second")
	case p.Queue < 0:
		return fmt.Errorf("path queue is %d bytes: give 0 for one bdp, or more", p.Queue)
	case p.Loss < 0 || p.Loss > 1:
		return fmt.Errorf("path loss is %v: give a probability from 0 to 1", p.Loss)
	case p.MTU != 0 && (p.MTU < minMTU || p.MTU > maxMTU):
		return fmt.Errorf("path mtu is %d bytes: give %d to %d", p.MTU, minMTU, maxMTU)
	}
	return nil
}

func (p Path) toClient() link.Config {
	return link.Config{Rate: p.Rate, Queue: p.Queue, Delay: p.RTT / 2, Loss: p.Loss}
}

func (p Path) toServer() link.Config {
	return link.Config{Rate: p.Rate, Queue: p.Queue, Delay: p.RTT - p.RTT/2}
}
