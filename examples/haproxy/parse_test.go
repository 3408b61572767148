// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"os"
	"reflect"
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
		"no window":       {"* 0x1[00]: scid=aa.. \n foreign_addr=192.0.2.1:5\n", nil},
		"no address":      {"* 0x1[00]: scid=aa.. \n cwnd=1\n", nil},
		"unknown command": {"Unknown command: 'show quic', but maybe one of the following ones is a better match:\n", nil},
		"nothing":         {"\n\n", nil},
	} {
		if got := parse(c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}
