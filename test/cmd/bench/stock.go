// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/rig"
)

// strangers is the number of the first peer that is never stored.
const strangers = 0x800000

// peer is the n-th peer of the loopback device.
func peer(n int) netip.Addr {
	n += 256
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// largeWindow is one that careful deems worth a jump.
const largeWindow = 8_000_000

// stock stores n paths in place of what was there.
func stock(r *rig.Rig, n int) error {
	if _, err := r.Store.Flush(); err != nil {
		return err
	}
	paths := make([]resume.Path, n)
	for i := range paths {
		paths[i] = resume.Path{
			Peer: peer(i), Cwnd: largeWindow, Ssthresh: largeWindow, RTT: 80 * time.Millisecond,
			Mode: stockedMode(i), Sharing: resume.SharingShared, Source: resume.SourceOperator,
		}
	}
	_, err := r.Store.PutAll(paths)
	return err
}

// stockedMode alternates: the peers with even numbers are exact.
func stockedMode(n int) resume.Mode {
	if n%2 == 0 {
		return resume.ModeExact
	}
	return resume.ModeCareful
}
