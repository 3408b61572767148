// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// parse reads what "show quic cc,sock all" answers. HAProxy changes its form
// from version to version: fields are found by name, and a connection without
// an address or a window is left out.
func parse(text string) []resume.Report {
	var all []resume.Report
	for _, block := range strings.Split("\n"+text, "\n* ")[1:] {
		if r, ok := connection(block); ok {
			all = append(all, r)
		}
	}
	return all
}

func connection(block string) (resume.Report, bool) {
	fields := make(map[string]string)
	for _, word := range strings.Fields(block) {
		if name, value, ok := strings.Cut(word, "="); ok {
			fields[name] = value
		}
	}
	whole := func(name string) uint64 {
		n, _ := strconv.ParseUint(fields[name], 10, 64)
		return n
	}
	milliseconds := func(name string) time.Duration {
		return time.Duration(min(whole(name), math.MaxUint32/1000)) * time.Millisecond
	}
	peer, port := address(fields["foreign_addr"])
	local, _ := address(fields["local_addr"])
	r := resume.Report{
		// The pointer alone comes back with the next connection.
		ID:   strings.TrimRight(fields["scid"], "."),
		Peer: peer, Port: port, Local: local,
		Cwnd: whole("cwnd"), Ssthresh: whole("ssthresh"), MinRTT: milliseconds("rttmin"), SRTT: milliseconds("srtt"),
		Sent: whole("sentbytes"), Lost: whole("lostpkts"), CC: "cubic",
	}
	if strings.Contains(block, " bbr:") {
		r.CC, r.Bandwidth, r.Ssthresh = "bbr", whole("bw"), 0
	}
	return r, r.ID != "" && r.Validate() == nil
}

// address reads "::1:443", in which HAProxy puts no brackets. A listener on every
// address has one that says nothing.
func address(text string) (netip.Addr, uint16) {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return netip.Addr{}, 0
	}
	addr, err := netip.ParseAddr(text[:at])
	port, portErr := strconv.ParseUint(text[at+1:], 10, 16)
	if err != nil || portErr != nil || addr.IsUnspecified() {
		return netip.Addr{}, 0
	}
	return addr.Unmap(), uint16(port)
}
