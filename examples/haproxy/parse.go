// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// fullPacket is the payload of HAProxy's packets in bytes, where a version counts packets only (3.0).
const fullPacket = 1252

// parse reads what "show quic cc,sock all" answers. HAProxy changes its form
// from version to version: fields are found by name, and a connection without
// an address or a window is left out, as are those to servers, which 3.4 marks
// "(B)": HAProxy is the client there. The error says that there is an answer in
// which nothing was found, so that nobody takes it for "no connections".
func parse(text string) ([]resume.Report, error) {
	blocks := strings.Split("\n"+strings.ReplaceAll(text, "\r", ""), "\n* ")
	if before := strings.TrimSpace(blocks[0]); before != "" {
		first, _, _ := strings.Cut(before, "\n")
		if strings.HasPrefix(first, "#") {
			return nil, errors.New("it answers by one line for each connection, without their windows, as versions before 3.0 do: 3.0 or later is needed")
		}
		return nil, fmt.Errorf("it answers %.120q: this needs a version of 3.0 or later with QUIC, and \"level operator\" on its stats socket", first)
	}
	var all []resume.Report
	for _, block := range blocks[1:] {
		if head, _, _ := strings.Cut(block, " "); strings.HasSuffix(head, "(B):") {
			continue
		}
		if r, ok := connection(block); ok {
			all = append(all, r)
		}
	}
	if n := len(blocks) - 1; n > 0 && !strings.Contains(text, " cwnd=") {
		return nil, fmt.Errorf("it lists %d connections without a window (cwnd=): the form of this version is not known", n)
	}
	return all, nil
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
	if fields["sentbytes"] == "" {
		r.Sent = whole("sentpkts") * fullPacket
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
