// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// TooBig has the client send what a router would whose next link has a smaller
// MTU: that the server's segment which begins at seq did not fit (RFC 792, RFC
// 4443). The server's stack ignores complaints of data that it has not in flight,
// but for the next to be sent.
func (l *Lab) TooBig(server, client netip.AddrPort, seq uint32, mtu int) error {
	complaint, socket, target := needsFragments, unix.IPPROTO_ICMP, unix.Sockaddr(nil)
	family := unix.AF_INET
	if server.Addr().Is4() {
		target = &unix.SockaddrInet4{Addr: server.Addr().As4()}
	} else {
		complaint, socket, family = packetTooBig, unix.IPPROTO_ICMPV6, unix.AF_INET6
		target = &unix.SockaddrInet6{Addr: server.Addr().As16()}
	}
	segment := binary.BigEndian.AppendUint16(nil, server.Port())
	segment = binary.BigEndian.AppendUint16(segment, client.Port())
	segment = binary.BigEndian.AppendUint32(segment, seq)
	segment = append(segment, make([]byte, 12)...)
	return l.Client.Do(func() error {
		fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, socket)
		if err != nil {
			return fmt.Errorf("open a raw socket: %w", err)
		}
		defer unix.Close(fd)
		return unix.Sendto(fd, complaint(server.Addr(), client.Addr(), segment, mtu), 0, target)
	})
}

// needsFragments is an ICMP message of type 3, code 4, with the packet that it is about.
func needsFragments(from, to netip.Addr, segment []byte, mtu int) []byte {
	b := []byte{3, 4, 0, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(mtu))
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, 1500)
	b = append(b, 0, 0, 0x40, 0, 64, unix.IPPROTO_TCP, 0, 0)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	b = append(b, segment...)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}

// packetTooBig is an ICMPv6 message of type 2; the kernel adds its checksum.
func packetTooBig(from, to netip.Addr, segment []byte, mtu int) []byte {
	b := []byte{2, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(mtu))
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, 1460)
	b = append(b, unix.IPPROTO_TCP, 64)
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	return append(b, segment...)
}
