// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/internal/jsonline"
)

// The fields of the message in their order. Numbers are whole; bytes, packets,
// microseconds, bytes per second.
const (
	wireVersion = iota
	wireEvent
	wirePeer
	wirePort
	wireLocal
	wireID
	wireCwnd
	wireSsthresh
	wireMinRTT
	wireSRTT
	wireBandwidth
	wireSent
	wireLost
	wireMSS
	wireCC
	wireAge
	wireMode
	wireNetns
)

// ReportFields are the names of the message's fields.
var ReportFields = []string{
	"v", "ev", "ip", "port", "local", "id", "cwnd", "ssthresh", "min_rtt_us", "srtt_us",
	"bw", "sent", "lost", "mss", "cc", "age_ms", "mode", "netns_cookie",
}

// ParseReport reads one message and validates it. Unknown fields are ignored,
// so that a newer sender can talk to an older agent.
func ParseReport(text []byte) (Report, error) {
	var r Report
	if len(text) > MaxReport {
		return r, fmt.Errorf("the report has more than %d bytes: give one report per line, with a short id", MaxReport)
	}
	s := jsonline.New(text)
	version := uint64(0)
	err := s.Object(ReportFields,
		func(i int) error { return r.read(i, s, &version) },
		func([]byte) error { return s.Skip() })
	switch {
	case err != nil:
		return r, err
	case version == 0:
		return r, errors.New("v is missing: give the version of the message, 1")
	case version != ReportVersion:
		return r, fmt.Errorf("v is %d: this agent reads version %d", version, ReportVersion)
	}
	return r, r.Validate()
}

func (r *Report) read(i int, s *jsonline.Scanner, version *uint64) (err error) {
	switch i {
	case wireVersion:
		*version, err = whole(s, math.MaxUint64)
	case wireEvent:
		r.Event, err = reportWord(s, "event", ReportEvents)
	case wirePeer:
		r.Peer, err = address(s)
	case wirePort:
		r.Port, err = bounded[uint16](s, math.MaxUint16)
	case wireLocal:
		r.Local, err = address(s)
	case wireID:
		r.ID, err = text(s)
	case wireCwnd:
		r.Cwnd, err = whole(s, math.MaxUint64)
	case wireSsthresh:
		r.Ssthresh, err = whole(s, math.MaxUint64)
	case wireMinRTT:
		r.MinRTT, err = roundTrip(s)
	case wireSRTT:
		r.SRTT, err = roundTrip(s)
	case wireBandwidth:
		r.Bandwidth, err = whole(s, math.MaxUint64)
	case wireSent:
		r.Sent, err = whole(s, math.MaxUint64)
	case wireLost:
		r.Lost, err = whole(s, math.MaxUint64)
	case wireMSS:
		r.MSS, err = bounded[uint32](s, math.MaxUint16)
	case wireCC:
		r.CC, err = text(s)
	case wireAge:
		r.Age, err = span(s, time.Millisecond, uint64(MaxTTL/time.Millisecond))
	case wireMode:
		r.Mode, err = reportWord(s, "mode", Modes)
	case wireNetns:
		r.NetnsCookie, err = whole(s, math.MaxUint64)
	}
	return err
}

// whole takes a number of 64 bits; a larger one, as JavaScript writes 2^64 - 1,
// becomes the largest, which every such field takes for "not known" or "huge".
func whole(s *jsonline.Scanner, most uint64) (uint64, error) {
	text, err := s.Bare("a whole number")
	if err != nil {
		return 0, err
	}
	n, ok := jsonline.Digits(text)
	if !ok {
		n, err = strconv.ParseUint(string(text), 10, 64)
		if errors.Is(err, strconv.ErrRange) {
			n, err = math.MaxUint64, nil
		}
		if err != nil || len(text) > 1 && text[0] == '0' {
			return 0, fmt.Errorf("%q is not a whole number of 0 or more", jsonline.Clip(text))
		}
	}
	if n > most {
		return 0, fmt.Errorf("%s is too large: at most %d is allowed", jsonline.Clip(text), most)
	}
	return n, nil
}

func bounded[N ~uint16 | ~uint32](s *jsonline.Scanner, most uint64) (N, error) {
	n, err := whole(s, most)
	return N(n), err
}

func span(s *jsonline.Scanner, unit time.Duration, most uint64) (time.Duration, error) {
	n, err := whole(s, most)
	return time.Duration(n) * unit, err
}

// roundTrip takes what no path can have, as stacks give before the first sample, for not known.
func roundTrip(s *jsonline.Scanner) (time.Duration, error) {
	n, err := whole(s, math.MaxUint64)
	if n > math.MaxUint32 {
		n = 0
	}
	return time.Duration(n) * time.Microsecond, err
}

func text(s *jsonline.Scanner) (string, error) {
	text, err := s.String("a text in quotes")
	return string(text), err
}

func reportWord[W ~string](s *jsonline.Scanner, what string, allowed []W) (W, error) {
	return jsonline.Word(s, allowed, func(text string) error {
		_, err := ParseWord(what, text, allowed)
		return err
	})
}

func address(s *jsonline.Scanner) (netip.Addr, error) {
	text, err := s.String("an address in quotes")
	if err != nil {
		return netip.Addr{}, err
	}
	addr, err := netip.ParseAddr(string(text))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is not an address: give IPv4 or IPv6 without a port", jsonline.Clip(text))
	}
	return addr.Unmap(), nil
}

// Append writes the message behind buf, without a newline. It does not validate.
func (r Report) Append(buf []byte) []byte {
	number := func(i int, n uint64) {
		if n != 0 {
			buf = strconv.AppendUint(append(append(append(buf, `,"`...), ReportFields[i]...), `":`...), n, 10)
		}
	}
	word := func(i int, text string) {
		if text != "" {
			quoted, _ := json.Marshal(text) // of a string, which cannot fail
			buf = append(append(append(append(buf, `,"`...), ReportFields[i]...), `":`...), quoted...)
		}
	}
	addr := func(i int, a netip.Addr) {
		if a.IsValid() {
			buf = append(append(append(buf, `,"`...), ReportFields[i]...), `":"`...)
			buf = append(a.Unmap().AppendTo(buf), '"')
		}
	}
	buf = strconv.AppendUint(append(buf, `{"v":`...), ReportVersion, 10)
	word(wireEvent, string(r.Event))
	addr(wirePeer, r.Peer)
	number(wirePort, uint64(r.Port))
	addr(wireLocal, r.Local)
	word(wireID, r.ID)
	number(wireCwnd, r.Cwnd)
	number(wireSsthresh, r.Ssthresh)
	number(wireMinRTT, uint64(max(0, r.MinRTT.Microseconds())))
	number(wireSRTT, uint64(max(0, r.SRTT.Microseconds())))
	number(wireBandwidth, r.Bandwidth)
	number(wireSent, r.Sent)
	number(wireLost, r.Lost)
	number(wireMSS, uint64(r.MSS))
	word(wireCC, r.CC)
	number(wireAge, uint64(max(0, r.Age.Milliseconds())))
	word(wireMode, string(r.Mode))
	number(wireNetns, r.NetnsCookie)
	return append(buf, '}')
}

// MarshalJSON writes the message.
func (r Report) MarshalJSON() ([]byte, error) { return r.Append(nil), nil }

// UnmarshalJSON reads and validates the message.
func (r *Report) UnmarshalJSON(data []byte) (err error) {
	*r, err = ParseReport(data)
	return err
}
