// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// The first is what HAProxy 3.5-dev5 (built with USE_QUIC_OPENSSL_COMPAT) said.
func TestParse(t *testing.T) {
	recorded, err := os.ReadFile("testdata/show-quic-3.5-dev5.txt")
	if err != nil {
		t.Fatal(err)
	}
	loopback := netip.MustParseAddr("127.0.0.1")
	for name, c := range map[string]struct {
		text string
		want []resume.Report
	}{
		"recorded": {string(recorded), []resume.Report{{
			ID: "b7cab0e1052b05db", Peer: loopback, Port: 42489, Local: loopback,
			Cwnd: 350608, Ssthresh: 344160, Sent: 8385959, Lost: 147, CC: "cubic",
		}}},
		"IPv6 and BBR": {"* 0x1[00]: scid=aa...... dcid=bb\n  local_addr=:::443 foreign_addr=2001:db8::7:5123\n" +
			"  bbr: st=PROBE_BW max_bw=900 min_rtt=21 bw=800 sq=1 pacing_rate=1\n  srtt=25 rttmin=21\n  cwnd=70000 cwnd_last_max=1\n  sentbytes=9 lostpkts=0\n\n", []resume.Report{{
			ID: "aa", Peer: netip.MustParseAddr("2001:db8::7"), Port: 5123,
			Cwnd: 70000, MinRTT: 21 * time.Millisecond, SRTT: 25 * time.Millisecond, Bandwidth: 800, Sent: 9, CC: "bbr",
		}}},
		"v4-mapped": {"* 0x1[00]: scid=aa.. \n foreign_addr=::ffff:192.0.2.1:5\n cwnd=1\n", []resume.Report{{
			ID: "aa", Peer: netip.MustParseAddr("192.0.2.1"), Port: 5, Cwnd: 1, CC: "cubic",
		}}},
		"3.0, which counts packets": {"* 0x1[00]: scid=aa.. dcid=bb\n  st=opened mux=ready expire=29s\n  fd=15 local_addr=192.0.2.1:443 foreign_addr=203.0.113.7:52409\n" +
			"  cc: state=ca ssthresh=300000 K=6648 last_w_max=491520 wdiff=-147360\n  srtt=83   rttvar=10   rttmin=60   ptoc=0    cwnd=320000 mcwnd=491520 sentpkts=1000  lostpkts=3      reorderedpkts=0\n droppars=1\n\n", []resume.Report{{
			ID: "aa", Peer: netip.MustParseAddr("203.0.113.7"), Port: 52409, Local: netip.MustParseAddr("192.0.2.1"),
			Cwnd: 320000, Ssthresh: 300000, MinRTT: 60 * time.Millisecond, SRTT: 83 * time.Millisecond, Sent: 1_252_000, Lost: 3, CC: "cubic",
		}}},
		"3.4, with the connection to a server": {"* 0x1[00]: scid=aa.. dcid=bb\n foreign_addr=192.0.2.1:5\n cwnd=1\n\n" +
			"* 0x2[00](B): scid=cc.. dcid=dd\n foreign_addr=198.51.100.1:443\n cwnd=70000\n sentbytes=900000\n\n", []resume.Report{{
			ID: "aa", Peer: netip.MustParseAddr("192.0.2.1"), Port: 5, Cwnd: 1, CC: "cubic",
		}}},
		"CRLF":       {"* 0x1[00]: scid=aa.. \r\n foreign_addr=192.0.2.1:5\r\n cwnd=1\r\n", []resume.Report{{ID: "aa", Peer: netip.MustParseAddr("192.0.2.1"), Port: 5, Cwnd: 1, CC: "cubic"}}},
		"no address": {"* 0x1[00]: scid=aa.. \n cwnd=1\n", nil},
		"nothing":    {"\n\n", nil},
	} {
		if got, err := parse(c.text); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

// What another version answers is not taken for "no connections".
func TestWhatIsNotUnderstoodIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		"# conn/frontend   state   in_flight infl_p lost_p   Local Address   Foreign Address   local & remote CIDs\n" +
			"0x55d0c0ffee00[00]/web   ESTAB   120000   96   3   198.51.100.1:443   192.0.2.7:51234 0a0b0c0d 6b064b58\n": "one line for each connection",
		"Unknown command: 'show quic', but maybe one of the following ones is a better match:\n  show info\n": `it answers "Unknown command: 'show quic'`,
		"Permission denied\n":                                         `it answers "Permission denied"`,
		"* 0x1[00]: scid=aa.. \n foreign_addr=192.0.2.1:5\n":          "1 connections without a window",
		"* 0x1[00]: scid=aa.. \n foreign_addr=192.0.2.1:5 window=9\n": "without a window",
		"{\"connections\":[]}\n":                                      "it answers",
	} {
		if got, err := parse(text); err == nil || !strings.Contains(err.Error(), want) || got != nil {
			t.Errorf("%q: got %+v, %v, want ...%s...", text, got, err, want)
		}
	}
}
