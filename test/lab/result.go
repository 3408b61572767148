// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Result is what one connection was measured to be.
type Result struct {
	// Elapsed is the time from just before the client's connect to the last
	// byte read.
	Elapsed time.Duration
	// Ideal is the time that a sender who knows the path would have needed.
	Ideal time.Duration
	// Ratio is Elapsed divided by Ideal.
	Ratio float64
	// Received is the number of response bytes the client read.
	Received int
	// Retransmits is the number of segments the server sent again.
	Retransmits int
	// Samples are the states of the server's socket from the arrival of the
	// client's first bytes to the arrival of its FIN.
	Samples []Sample
	// First and Final are the server's socket as it was accepted and when
	// everything was acknowledged.
	First, Final unix.TCPInfo
	// Link is what the link counted during the connection, other connections
	// included.
	Link Stats
}

// String returns the figures in one line.
func (r Result) String() string {
	return fmt.Sprintf("%.0f ms, %.2f x ideal %.0f ms, %d retransmits, %d dropped by the queue",
		milliseconds(r.Elapsed), r.Ratio, milliseconds(r.Ideal), r.Retransmits, r.Link.ToClient.QueueDrops)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
