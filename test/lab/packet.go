// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Packet is an IP packet as it left the server, before queue and loss.
type Packet struct {
	// At is the time since the lab was made.
	At time.Duration
	// Size is the whole IP packet in bytes.
	Size int
	// IPVersion is 4 or 6.
	IPVersion int
	// From and To are the two ends; the ports are 0 if the packet is not TCP.
	From, To netip.AddrPort
	// TCP tells whether the fields below mean anything.
	TCP bool
	// Seq and Ack are the TCP sequence and acknowledgement numbers.
	Seq, Ack uint32
	// Flags are the eight TCP flags; FIN is bit 0, SYN bit 1, RST bit 2.
	Flags uint8
	// Payload is the number of TCP payload bytes.
	Payload int
	// Raw is the packet itself, valid only during the call.
	Raw []byte
}

// Capture shows each packet that leaves the server to see, on the thread that
// moves packets: see must return at once. Only the latest see is called; nil ends
// the capture.
func (l *Lab) Capture(see func(Packet)) {
	if see == nil {
		l.toClient.Observe(nil)
		return
	}
	l.toClient.Observe(func(at time.Duration, raw []byte) {
		see(dissect(at, raw))
	})
}

// MarkCE sets what a congested router would: CE in the IP header (RFC 3168). The
// packet goes on as it is then.
func (p Packet) MarkCE() {
	const ce = 3
	if p.IPVersion == 6 {
		p.Raw[1] |= ce << 4 // its header has no checksum
		return
	}
	was := binary.BigEndian.Uint16(p.Raw)
	p.Raw[1] |= ce
	// RFC 1624: the checksum follows from what changed.
	sum := uint32(^binary.BigEndian.Uint16(p.Raw[10:])) + uint32(^was) + uint32(binary.BigEndian.Uint16(p.Raw))
	sum = sum&0xffff + sum>>16
	binary.BigEndian.PutUint16(p.Raw[10:], ^uint16(sum&0xffff+sum>>16))
}

// dissect may rely on whole packets with a full IP header: the kernel made them.
func dissect(at time.Duration, raw []byte) Packet {
	p := Packet{At: at, Size: len(raw), IPVersion: int(raw[0] >> 4), Raw: raw}
	var from, to netip.Addr
	var segment []byte
	var protocol byte
	if p.IPVersion == 4 {
		from, to = netip.AddrFrom4([4]byte(raw[12:16])), netip.AddrFrom4([4]byte(raw[16:20]))
		protocol, segment = raw[9], raw[int(raw[0]&0xf)*4:]
	} else {
		from, to = netip.AddrFrom16([16]byte(raw[8:24])), netip.AddrFrom16([16]byte(raw[24:40]))
		protocol, segment = raw[6], raw[40:]
	}
	var fromPort, toPort uint16
	const leastTCPHeader = 20
	if protocol == unix.IPPROTO_TCP && len(segment) >= leastTCPHeader {
		p.TCP = true
		fromPort, toPort = binary.BigEndian.Uint16(segment), binary.BigEndian.Uint16(segment[2:])
		p.Seq, p.Ack = binary.BigEndian.Uint32(segment[4:]), binary.BigEndian.Uint32(segment[8:])
		p.Flags = segment[13]
		p.Payload = len(segment) - int(segment[12]>>4)*4
	}
	p.From, p.To = netip.AddrPortFrom(from, fromPort), netip.AddrPortFrom(to, toPort)
	return p
}
