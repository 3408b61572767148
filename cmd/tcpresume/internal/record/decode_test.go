// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func addr(text string) Peer { return Peer{Addr: netip.MustParseAddr(text)} }

func token(digits string) Peer {
	key, _, err := resume.ParseKey("token:" + digits)
	if err != nil {
		panic(err)
	}
	return Peer{key, true}
}

// A token may look like any address, also like one that is refused, and its
// scope is a number that jq and others round.
func TestTokensRoundTrip(t *testing.T) {
	for _, digits := range []string{
		"ff02000000000000000000000000abcd", "00000000000000000000000000000000", "00000000000000000000ffffc0000201", "20010db8000000000000000000000007",
	} {
		entry := pathstore.Entry{Path: resume.Path{
			Peer: token(digits).Addr, Scope: resume.ScopeToken, Cwnd: 1, TTL: time.Second,
			Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
		}}
		line, err := json.Marshal(Of(entry))
		if err != nil || !strings.Contains(string(line), `"peer":"token:`+digits+`"`) {
			t.Errorf("%s, %v: written as an address", line, err)
		}
		var loose map[string]any // as a filter that holds numbers as floating point
		if err := json.Unmarshal(line, &loose); err != nil {
			t.Fatal(err)
		}
		filtered, _ := json.Marshal(loose)
		for _, text := range [][]byte{line, filtered} {
			got, err := Decode(text)
			if err != nil || got.Path() != entry.Path {
				t.Errorf("%s\n  gave %+v, %v\n  want %+v", text, got.Path(), err, entry.Path)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, want := range []Record{
		{Peer: addr("192.0.2.1"), Cwnd: 262144, Ssthresh: 524288, RTT: 80000, TTL: 600, Mode: resume.ModeExact, Sharing: resume.SharingSingle, Source: resume.SourceOperator},
		{Peer: addr("2001:db8::1"), Cwnd: 4294967295, TTL: 1, RTT: 4294967295, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceLearnt, NetnsCookie: 1 << 62},
		{Peer: token("ff02000000000000000000000000abcd"), Cwnd: 1, TTL: 1, Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator},
	} {
		line, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(line)
		if err != nil || got != want {
			t.Errorf("%s\n  gave %+v, %v\n  want %+v", line, got, err, want)
		}
	}
}

func TestReadingIgnoresTheKernelsKnowledge(t *testing.T) {
	entry := pathstore.Entry{
		Path:  resume.Path{Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 1, TTL: 1500 * time.Millisecond, Mode: resume.ModeOff, Sharing: resume.SharingShared, Source: resume.SourceDropin},
		State: pathstore.StateInUse, Age: time.Hour, Holder: 7, Uses: 3, Retreats: 2,
	}
	line, _ := json.Marshal(Of(entry))
	got, err := Decode(line)
	if err != nil {
		t.Fatal(err)
	}
	want := entry.Path
	want.TTL = 2 * time.Second // rounded up: what lives stays alive
	if got.Path() != want || got.State != "" || got.Holder != 0 {
		t.Errorf("%s\n  gave %+v\n  want %+v", line, got, want)
	}
}

func TestDecode(t *testing.T) {
	for line, want := range map[string]Record{
		`{"peer":"::ffff:192.0.2.1","cwnd":"256KiB"}`:                                 {Peer: addr("192.0.2.1"), Cwnd: 262144, TTL: PolicyTTL},
		" { \"peer\" : \"2001:db8::1\" ,\t\"cwnd\" : \"1.5MB\" , \"ttl_s\" : 0 }  \r": {Peer: addr("2001:db8::1"), Cwnd: 1500000},
		`{"cwnd":1e5,"peer":"192.0.2.1","rtt_us":80000}`:                              {Peer: addr("192.0.2.1"), Cwnd: 100000, RTT: 80000, TTL: PolicyTTL},
		`{}`: {TTL: PolicyTTL},
	} {
		want.Mode, want.Sharing, want.Source = resume.ModePolicy, resume.SharingPolicy, resume.SourceOperator
		if got, err := Decode([]byte(line)); err != nil || got != want {
			t.Errorf("%s\n  gave %+v, %v\n  want %+v", line, got, err, want)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for line, want := range map[string]string{
		`x`:                       `"x" at column 1, where '{' should be`,
		`[]`:                      `"[]" at column 1, where '{' should be`,
		`{`:                       `the line ends where a field name should be`,
		`{"peer":"192.0.2.1",}`:   `"}" at column 21, where a field name should be`,
		`{"peer" "192.0.2.1"}`:    `where ':' should be`,
		`{"peer":"192.0.2.1"} {}`: `"{}" at column 22, where the end of the line should be`,
		"{}\x00":                  `"\x00" at column 3, where the end of the line should be`,
		`{"peer":"192.0.2.1`:      `"\"192.0.2.1" has no closing quote`,
		`{"peer":192.0.2.1}`:      `peer: "192.0.2.1}" at column 9, where an address in quotes should be`,
		`{"peer":"192.0.2.0/24"}`: `a peer is one address; prefixes belong to policies`,
		`{"peer":"example.org"}`:  `"example.org" is not an address`,
		`{"peer":"fe80::1%eth0"}`: `has a zone`,
		`{"peer":"token:12"}`:     `peer: not a token: give token: and 32 hexadecimal digits`,
		"\xff\xfe{\x00":           `the text begins with the byte order mark of UTF-16: save it as UTF-8`,
		`{"peer":"token:000102030405060708090a0b0c0d0e0f","netns_cookie":7}`: `netns_cookie has no meaning for a token`,
		`{"Peer":"192.0.2.1"}`:                      `field "Peer" is unknown: use peer, cwnd, ssthresh, rtt_us,`,
		`{"cwnd":1,"cwnd":2}`:                       `field "cwnd" is given twice`,
		`{"cwnd":null}`:                             `cwnd: "null" is not a number`,
		`{"cwnd":12KiB}`:                            `cwnd: "12KiB" is not a number: put a size with a unit in quotes`,
		`{"cwnd":"12KB/s"}`:                         `cwnd: "12KB/s" is not a size`,
		`{"cwnd":-1}`:                               `cwnd: "-1" is negative`,
		`{"cwnd":4294967296}`:                       `cwnd: "4294967296" is too large`,
		`{"cwnd":99999999999999999999}`:             `cwnd: "99999999999999999999" is too large`,
		`{"ssthresh":"5GiB"}`:                       `ssthresh: "5GiB" is too large`,
		`{"cwnd":[1]}`:                              `where a number of bytes, or a size in quotes should be`,
		`{"rtt_us":"80ms"}`:                         `rtt_us: "\"80ms\"}" at column 11, where a number of microseconds should be`,
		`{"rtt_us":1.5}`:                            `rtt_us: "1.5" is not a number of microseconds: give a whole number from 0 to 4294967295`,
		`{"rtt_us":-80}`:                            `rtt_us: "-80" is not a number of microseconds`,
		`{"ttl_s":31536001}`:                        `ttl_s: "31536001" is not a number of seconds: give a whole number from 0 to 31536000`,
		`{"mode":"fast"}`:                           `mode: "fast" is not a mode: use policy, off, exact, careful`,
		`{"mode":"\u0065xact","source":"x"}`:        `source: "x" is not a source`,
		`{"cwnd":007}`:                              `cwnd: "007" is not a number`,
		`{"cwnd":+1}`:                               `cwnd: "+1" is not a number`,
		`{"netns_cookie":007}`:                      `netns_cookie: "007" is not a network namespace's cookie`,
		`{"netns_cookie":-1}`:                       `netns_cookie: "-1" is not a network namespace's cookie`,
		`{"state":{"a":1]}`:                         `state: "{\"a\":1]" is not a JSON value`,
		`{"age_s":1x}`:                              `age_s: "1x" is not a JSON value`,
		`{"peer":"` + strings.Repeat("1", 99) + `"`: `is not an address`,
	} {
		_, err := Decode([]byte(line))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  gave %v\n  want ...%s...", line, err, want)
		}
	}
}
