// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"math"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	// lsquicUnset is what lsquic's CUBIC calls a threshold that was never set.
	lsquicUnset = 10_000 * 1460
	// infinite thresholds are 2^31 - 1, 2^32 - 1, 2^63 - 1 or 2^64 - 1, by stack.
	infinite = 1<<31 - 1
	// initialWindow is the largest that a QUIC stack starts or restarts with: 46
	// packets of 1460 bytes. Others start with 10 (RFC 9002) or 32 (quic-go,
	// Chromium, lsquic).
	initialWindow = 46 * 1460
)

// pathOf makes of one report what a TCP connection can start from.
func pathOf(r resume.Report) resume.Path {
	p := resume.Path{
		Peer: r.Peer, Mode: r.Mode, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
		RTT: r.MinRTT,
	}
	if p.Mode == "" {
		p.Mode = resume.ModePolicy
	}
	if p.RTT == 0 { // the only sign of the path there is; too long rather than none
		p.RTT = r.SRTT
	}
	cwnd, ssthresh := r.Cwnd, r.Ssthresh
	if ssthresh >= infinite || ssthresh == lsquicUnset {
		ssthresh = 0
	}
	switch {
	case isBBR(r.CC):
		cwnd, ssthresh = bbrWindow(r)
	case ssthresh == 0 && r.Lost > 0:
		ssthresh = cwnd // slow start was left about here
	}
	p.Cwnd, p.Ssthresh = clampBytes(cwnd), clampBytes(ssthresh)
	return p
}

// bbrWindow is what a round trip delivered (RFC 9959 3.1): BBR's own window is
// twice that (cwnd_gain), and it has no threshold.
func bbrWindow(r resume.Report) (cwnd, ssthresh uint64) {
	if r.Bandwidth == 0 || r.MinRTT == 0 {
		return max(1, r.Cwnd/2), 0
	}
	bdp := float64(r.Bandwidth) * r.MinRTT.Seconds()
	bdp = min(max(1, bdp), math.MaxUint32)
	return min(r.Cwnd, uint64(bdp)), uint64(bdp)
}

func isBBR(cc string) bool { return strings.Contains(strings.ToLower(cc), "bbr") }

func clampBytes(n uint64) resume.Bytes { return resume.Bytes(min(n, math.MaxUint32)) }

// sample is the latest that one connection reported.
type sample struct {
	id     uint64 // of the connection, hashed
	port   uint16
	at     time.Time
	cwnd   uint64
	sent   uint64
	lost   uint64
	closed bool

	path  resume.Path // of the latest report that said something; zero cwnd: none did
	reset bool        // the window was reset and has not grown again
	moved bool        // from another address: nothing of there counts here
	grow  uint64      // the window to reach again
	from  uint64      // lost when it was reset, or moved
}

// take turns the sample into the report's, and says why it teaches nothing if so.
func (s *sample) take(r resume.Report, at time.Time) (held string) {
	known := !s.at.IsZero()
	if known && at.Before(s.at) {
		return ReasonOlder
	}
	lossy := r.Lost > s.lost
	switch shrunk := r.Cwnd < s.cwnd && !lossy; {
	case !known, s.reset:
	case r.Port != 0 && s.port != 0 && r.Port != s.port && shrunk, shrunk && r.Cwnd <= initialWindow:
		s.reset, s.grow, s.from = true, s.cwnd, s.lost
	}
	if s.reset && r.Cwnd > initialWindow && (r.Cwnd >= s.grow || r.Lost > s.from) {
		s.reset = false
	}
	first := s.moved
	s.moved = false
	before := s.sent
	s.port, s.at, s.cwnd, s.sent, s.lost, s.closed = r.Port, at, r.Cwnd, r.Sent, r.Lost, r.Event == resume.ReportClose
	switch {
	case s.reset || first && (r.Sent == 0 || r.Sent-min(before, r.Sent) < r.Cwnd):
		return ReasonReset
	}
	if r.Sent != 0 && r.Sent < r.Cwnd {
		// In slow start a window is the initial one and all that was acknowledged:
		// half of what was sent left within the last round trip.
		r.Cwnd = r.Sent / 2
	}
	if r.Cwnd <= initialWindow && r.Lost <= s.from {
		return ReasonNothing
	}
	s.path = pathOf(r)
	return ""
}
