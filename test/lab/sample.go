// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"math"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Sample is the state of the server's socket at one moment.
type Sample struct {
	// At is the time since just before the client's connect.
	At time.Duration
	// Cwnd and Ssthresh are segments; InfiniteSsthresh means not set yet.
	Cwnd, Ssthresh uint32
	// Unacked is the number of segments in flight.
	Unacked uint32
	// Delivered is the number of payload bytes acknowledged.
	Delivered uint64
	// Retransmits is the number of segments sent again so far.
	Retransmits uint32
	// SRTT and MinRTT are the smoothed and the least round-trip time.
	SRTT, MinRTT time.Duration
	// PacingRate and DeliveryRate are bytes per second.
	PacingRate, DeliveryRate uint64
}

// InfiniteSsthresh is the slow start threshold of a connection that never left
// slow start, in segments.
const InfiniteSsthresh = math.MaxInt32

// TCPInfo reads the kernel's state of a TCP connection.
func TCPInfo(socket syscall.Conn) (unix.TCPInfo, error) {
	var info unix.TCPInfo
	err := Control(socket, func(fd int) error {
		got, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return fmt.Errorf("read tcp_info: %w", err)
		}
		info = *got
		return nil
	})
	return info, err
}

func sampleOf(info unix.TCPInfo, at time.Duration) Sample {
	return Sample{
		At:           at,
		Cwnd:         info.Snd_cwnd,
		Ssthresh:     info.Snd_ssthresh,
		Unacked:      info.Unacked,
		Delivered:    info.Bytes_acked,
		Retransmits:  info.Total_retrans,
		SRTT:         time.Duration(info.Rtt) * time.Microsecond,
		MinRTT:       time.Duration(info.Min_rtt) * time.Microsecond,
		PacingRate:   info.Pacing_rate,
		DeliveryRate: info.Delivery_rate,
	}
}
