// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func fullReport() Report {
	return Report{
		Event: ReportClose, Peer: netip.MustParseAddr("2001:db8::7"), Port: 51234, Local: netip.MustParseAddr("2001:db8::1"), ID: "c1f2\"\n",
		Cwnd: 345678, Ssthresh: 1<<64 - 1, MinRTT: 21 * time.Millisecond, SRTT: 25 * time.Millisecond, Bandwidth: 4_000_000,
		Sent: 9_000_000, Lost: 12, MSS: 1452, CC: "cubic", Age: 40 * time.Millisecond, Mode: ModeCareful, NetnsCookie: 7,
	}
}

func TestReportRoundTrip(t *testing.T) {
	for _, want := range []Report{fullReport(), {Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 1}} {
		line := want.Append(nil)
		got, err := ParseReport(line)
		if err != nil || got != want {
			t.Errorf("%s\n  gave %+v, %v\n  want %+v", line, got, err, want)
		}
		if !json.Valid(line) {
			t.Errorf("%s is not JSON", line)
		}
	}
	var all map[string]any
	if err := json.Unmarshal(fullReport().Append(nil), &all); err != nil || len(all) != len(ReportFields) {
		t.Errorf("%v: %d of %d fields are written", err, len(all), len(ReportFields))
	}
}

func TestParseReport(t *testing.T) {
	one := Report{Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 10}
	huge := one
	huge.Ssthresh = 1<<64 - 1
	for line, want := range map[string]Report{
		`{"v":1,"ip":"192.0.2.1","cwnd":10}`:                                                      one,
		"{ \"v\" : 1,\n \"cwnd\":10, \"ip\":\"::ffff:192.0.2.1\"\n}\n":                            one,
		`{"v":1,"ip":"192.0.2.1","cwnd":10,"new":{"a":[1,{"b":null}],"c":"}"},"x":-1.5e3}`:        one,
		`{"v":1,"ip":"192.0.2.1","cwnd":10,"ssthresh":0,"lost":0,"id":"","cc":""}`:                one,
		`{"v":1,"ip":"192.0.2.1","cwnd":10,"ssthresh":18446744073709551615}`:                      huge,
		`{"v":1,"ip":"192.0.2.1","cwnd":10,"ssthresh":18446744073709552000}`:                      huge, // JavaScript's 2^64 - 1
		`{"v":1,"ip":"192.0.2.1","cwnd":10,"min_rtt_us":18446744073709551,"srtt_us":99999999999}`: one,  // no sample yet
	} {
		if got, err := ParseReport([]byte(line)); err != nil || got != want {
			t.Errorf("%s\n  gave %+v, %v\n  want %+v", line, got, err, want)
		}
	}
}

func TestParseReportErrors(t *testing.T) {
	with := func(more string) string { return `{"v":1,"ip":"192.0.2.1","cwnd":10,` + more + `}` }
	for line, want := range map[string]string{
		``:                                        `the line ends where '{' should be`,
		`null`:                                    `"null" at column 1`,
		`{}`:                                      `v is missing`,
		`{"v":2,"ip":"192.0.2.1","cwnd":10}`:      `v is 2: this agent reads version 1`,
		`{"v":1,"cwnd":10}`:                       `ip is missing`,
		`{"v":1,"ip":"192.0.2.1"}`:                `cwnd is missing or 0`,
		`{"v":1,"ip":"192.0.2.1:443","cwnd":10}`:  `ip: "192.0.2.1:443" is not an address`,
		`{"v":1,"ip":"ff02::1","cwnd":10}`:        `not a unicast address`,
		`{"v":1,"ip":"fe80::1%eth0","cwnd":10}`:   `has a zone`,
		`{"v":1,"ip":"192.0.2.1","cwnd":10} {}`:   `the end of the line should be`,
		with(`"cwnd":10`):                         `field "cwnd" is given twice`,
		with(`"local":"2001:db8::1"`):             `different families`,
		with(`"ev":"open"`):                       `ev: "open" is not a event: use tick, close`,
		with(`"port":65536`):                      `port: 65536 is too large: at most 65535`,
		with(`"lost":-1`):                         `lost: "-1" is not a whole number`,
		with(`"lost":1.5`):                        `lost: "1.5" is not a whole number`,
		with(`"lost":1e3`):                        `lost: "1e3" is not a whole number`,
		with(`"lost":"1"`):                        `where a whole number should be`,
		with(`"lost":007`):                        `lost: "007" is not a whole number`,
		with(`"id":7`):                            `where a text in quotes should be`,
		with(`"id":"` + strings.Repeat("x", 129)): ``,
		with("\"id\":\"\xea\""):                   `id "\xea" is not UTF-8`,
		with("\"cc\":\"\xea\""):                   `cc "\xea" is not UTF-8`,
		with(`"mode":"fast"`):                     `"fast" is not a mode`,
		with(`"age_ms":99999999999999`):           `age_ms: 99999999999999 is too large`,
		with(`"new":{"a":[1}`):                    `is not a JSON value`,
		with(`"new":` + strings.Repeat("[", 999)): `the report has`,
	} {
		if _, err := ParseReport([]byte(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  gave %v\n  want ...%s...", line, err, want)
		}
	}
}

// What is read is valid, and reads the same again after writing.
func FuzzParseReport(f *testing.F) {
	f.Add(fullReport().Append(nil))
	f.Add([]byte(`{"v":1,"ip":"192.0.2.1","cwnd":10,"new":{"a":[1,null]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := ParseReport(line)
		if err != nil {
			return
		}
		if err := got.Validate(); err != nil {
			t.Fatalf("%q was read and is not valid: %v", line, err)
		}
		again, err := ParseReport(got.Append(nil))
		if err != nil && len(got.Append(nil)) <= MaxReport || err == nil && again != got {
			t.Fatalf("%q\n  gave %+v\n  then %+v, %v", line, got, again, err)
		}
	})
}

func BenchmarkParseReport(b *testing.B) {
	line := fullReport().Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseReport(line); err != nil {
			b.Fatal(err)
		}
	}
}
