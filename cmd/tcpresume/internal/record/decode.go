// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tcpresume/tcpresume/internal/jsonline"
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

// Decode reads one line.
func Decode(line []byte) (Record, error) {
	r := Record{TTL: PolicyTTL, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator}
	s := jsonline.New(line)
	err := s.Object(fieldNames, func(i int) error { return r.decodeField(field(i), s) }, func(name []byte) error {
		return fmt.Errorf("field %q is unknown: use %s", jsonline.Clip(name), strings.Join(fieldNames[:lastInput+1], ", "))
	})
	if err == nil && r.Peer.Token && r.NetnsCookie != 0 {
		err = errors.New("netns_cookie has no meaning for a token: leave it out")
	}
	return r, err
}

func (r *Record) decodeField(f field, s *jsonline.Scanner) (err error) {
	switch f {
	case peer:
		var text []byte
		if text, err = s.String("an address in quotes"); err == nil {
			var scope uint64
			r.Peer.Addr, scope, err = resume.ParseKey(string(text))
			r.Peer.Token = scope == resume.ScopeToken
		}
	case cwnd:
		r.Cwnd, err = size(s)
	case ssthresh:
		r.Ssthresh, err = size(s)
	case rtt:
		r.RTT, err = s.Integer("microseconds", math.MaxUint32)
	case ttl:
		r.TTL, err = s.Integer("seconds", int64(resume.MaxTTL.Seconds()))
	case mode:
		r.Mode, err = word(s, "mode", resume.Modes)
	case sharing:
		r.Sharing, err = word(s, "sharing", resume.Sharings)
	case source:
		r.Source, err = word(s, "source", resume.Sources)
	case netnsCookie:
		r.NetnsCookie, err = cookie(s)
	default:
		err = s.Skip()
	}
	return err
}

func word[W ~string](s *jsonline.Scanner, what string, allowed []W) (W, error) {
	return jsonline.Word(s, allowed, func(text string) error {
		_, err := resume.ParseWord(what, text, allowed)
		return err
	})
}

// size takes a number of bytes or, in quotes, a size with a unit.
func size(s *jsonline.Scanner) (resume.Bytes, error) {
	const want = "a number of bytes, or a size in quotes"
	if s.Next() == '"' {
		text, err := s.String(want)
		if err != nil {
			return 0, err
		}
		return resume.ParseBytes(string(text))
	}
	text, err := s.Bare(want)
	if err != nil {
		return 0, err
	}
	if n, ok := jsonline.Digits(text); ok && n <= math.MaxUint32 {
		return resume.Bytes(n), nil
	}
	if !json.Valid(text) || text[0] > '9' { // a unit needs quotes; 007 and null are no numbers either
		return 0, fmt.Errorf("%q is not a number: put a size with a unit in quotes, as in \"256KiB\"", jsonline.Clip(text))
	}
	return resume.ParseBytes(string(text))
}

func cookie(s *jsonline.Scanner) (uint64, error) {
	text, err := s.Bare("a network namespace's cookie")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil || !json.Valid(text) {
		return 0, fmt.Errorf("%q is not a network namespace's cookie: give a whole number, or 0 for the host", jsonline.Clip(text))
	}
	return n, nil
}
