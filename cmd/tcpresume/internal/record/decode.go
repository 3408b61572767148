// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"math"
	"slices"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// field is what a name in a line stands for; those after lastInput are skipped.
type field uint8

const (
	peer field = iota
	cwnd
	ssthresh
	rtt
	ttl
	mode
	sharing
	source
	netnsCookie
	lastInput = netnsCookie
)

var fieldNames = []string{
	"peer", "cwnd", "ssthresh", "rtt_us", "ttl_s", "mode", "sharing", "source", "netns_cookie",
	"state", "age_s", "holder", "uses", "retreats", "outcome",
	"policy", "effective_mode", "effective_sharing", "next_connection", // what "get -o json" adds
}

// Decode reads one line. By hand, because encoding/json takes three times as
// long and lets unknown cases, repeated fields and null pass.
func Decode(line []byte) (Record, error) {
	r := Record{TTL: PolicyTTL, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator}
	s := scanner{text: line}
	if err := s.expect('{'); err != nil {
		return r, err
	}
	var seen uint32
	for first := true; ; first = false {
		if s.next() == '}' {
			break
		}
		if !first {
			if err := s.expect(','); err != nil {
				return r, err
			}
		}
		f, err := s.field()
		if err != nil {
			return r, err
		}
		if seen&(1<<f) != 0 {
			return r, fmt.Errorf("field %q is given twice", fieldNames[f])
		}
		seen |= 1 << f
		if err := r.decodeField(f, &s); err != nil {
			return r, err
		}
	}
	s.pos++
	if s.next(); s.pos < len(s.text) {
		return r, s.unexpected("the end of the line")
	}
	return r, nil
}

func (s *scanner) field() (field, error) {
	name, err := s.string("a field name")
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(fieldNames, func(known string) bool { return known == string(name) })
	if i < 0 {
		return 0, fmt.Errorf("field %q is unknown: use %s", clip(name), joined(fieldNames[:lastInput+1]))
	}
	return field(i), s.expect(':')
}

func (r *Record) decodeField(f field, s *scanner) (err error) {
	switch f {
	case peer:
		var text []byte
		if text, err = s.string("an address in quotes"); err == nil {
			r.Peer, err = resume.ParsePeer(string(text))
		}
	case cwnd:
		r.Cwnd, err = s.bytes()
	case ssthresh:
		r.Ssthresh, err = s.bytes()
	case rtt:
		r.RTT, err = s.integer("microseconds", math.MaxUint32)
	case ttl:
		r.TTL, err = s.integer("seconds", int64(resume.MaxTTL.Seconds()))
	case mode:
		r.Mode, err = word(s, "mode", resume.Modes)
	case sharing:
		r.Sharing, err = word(s, "sharing", resume.Sharings)
	case source:
		r.Source, err = word(s, "source", resume.Sources)
	case netnsCookie:
		r.NetnsCookie, err = s.cookie()
	default:
		err = s.skip()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", fieldNames[f], err)
	}
	return nil
}

func word[W ~string](s *scanner, what string, allowed []W) (W, error) {
	text, err := s.string("a word in quotes")
	if err != nil {
		return "", err
	}
	for _, w := range allowed {
		if string(w) == string(text) {
			return w, nil // without the copy that an error needs
		}
	}
	return resume.ParseWord(what, string(text), allowed)
}
