// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
	"unicode/utf8"
)

// Where a reporting server finds the agent.
const (
	SocketDir    = "/run/tcpresume"
	ReportSocket = "report"   // Unix datagrams, one report each
	APISocket    = "api.sock" // HTTP/1.1: POST /v1/reports takes one report a line
)

// ReportVersion is the version of the message, its field "v".
const ReportVersion = 1

// MaxReport is the largest message in bytes.
const MaxReport = 1024

const (
	maxReportID = 128
	maxReportCC = 32
)

// ReportEvent says when a report was made.
type ReportEvent string

// A tick is a sample of a living connection; a close is its last one.
const (
	ReportTick  ReportEvent = "tick"
	ReportClose ReportEvent = "close"
)

// ReportEvents are the values of a report's event.
var ReportEvents = []ReportEvent{ReportTick, ReportClose}

// Report is what a server knows of the path to one peer, usually from a QUIC
// connection. Zero means not known for every field but Peer and Cwnd.
type Report struct {
	Event ReportEvent
	Peer  netip.Addr // the present address of the peer; required
	Port  uint16     // the present port; a change of it within one ID is a migration
	Local netip.Addr // the server's address
	ID    string     // names the connection among those of the sender; at most 128 bytes

	Cwnd      uint64        // bytes; required
	Ssthresh  uint64        // bytes; what a stack calls infinite is not known
	MinRTT    time.Duration // microseconds on the wire
	SRTT      time.Duration
	Bandwidth uint64 // bytes per second
	Sent      uint64 // bytes since the connection began
	Lost      uint64 // packets since the connection began
	MSS       uint32 // payload of a datagram
	CC        string // congestion control, such as "cubic", "reno", "bbr"

	Age         time.Duration // since the sample was taken; milliseconds on the wire
	Mode        Mode          // empty: the policy's
	NetnsCookie uint64        // SO_NETNS_COOKIE, where the policy keeps one entry for each network namespace
}

// Validate says what is wrong with a report, and what to do.
func (r Report) Validate() error {
	var wrong problems
	if !r.Peer.IsValid() {
		wrong.add(errors.New("ip is missing: give the address of the peer"))
	} else {
		wrong.add(CheckPeer(r.Peer))
	}
	if r.Local.IsValid() && r.Peer.IsValid() && r.Local.Unmap().Is4() != r.Peer.Unmap().Is4() {
		wrong.add(fmt.Errorf("local %s and ip %s are of different families: give the addresses of one packet", r.Local, r.Peer))
	}
	if r.Cwnd == 0 {
		wrong.add(errors.New("cwnd is missing or 0: give the congestion window in bytes"))
	}
	if r.Event != "" {
		wrong.add(checkWord("event", r.Event, ReportEvents))
	}
	if r.Mode != "" {
		wrong.add(checkWord("mode", r.Mode, Modes))
	}
	wrong.add(checkTime("min_rtt_us", r.MinRTT, math.MaxUint32*time.Microsecond))
	wrong.add(checkTime("srtt_us", r.SRTT, math.MaxUint32*time.Microsecond))
	wrong.add(checkTime("age_ms", r.Age, MaxTTL))
	wrong.add(checkText("id", r.ID, maxReportID))
	wrong.add(checkText("cc", r.CC, maxReportCC))
	return errors.Join(wrong...)
}

// problems gathers errors without work where there are none.
type problems []error

func (p *problems) add(err error) {
	if err != nil {
		*p = append(*p, err)
	}
}

func checkTime(name string, d, most time.Duration) error {
	if d < 0 || d > most {
		return fmt.Errorf("%s: %v is out of range: give 0 to %v", name, d, most)
	}
	return nil
}

func checkText(name, text string, most int) error {
	if len(text) > most {
		return fmt.Errorf("%s has %d bytes: at most %d are allowed", name, len(text), most)
	}
	if !utf8.ValidString(text) { // JSON could not carry it on
		return fmt.Errorf("%s %q is not UTF-8: give bytes in hexadecimal", name, text)
	}
	return nil
}
