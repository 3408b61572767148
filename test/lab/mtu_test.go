// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

func TestLargestPacketIsTheMTU(t *testing.T) {
	for _, mtu := range []int{1280, 1500, 9000} {
		for _, ipv6 := range []bool{false, true} {
			t.Run(fmt.Sprintf("mtu %d, ipv6 %v", mtu, ipv6), func(t *testing.T) {
				l := newLab(t, Path{RTT: 2 * time.Millisecond, Rate: 1e9, Queue: 10e6, MTU: mtu})
				var largest, payload atomic.Int64
				l.Capture(func(p Packet) {
					largest.Store(max(largest.Load(), int64(p.Size)))
					payload.Add(int64(p.Payload))
				})
				const size = 300e3
				result, err := l.Fetch(context.Background(), ListenSpec{CC: "cubic"}, Fetch{Bytes: size, IPv6: ipv6})
				if err != nil {
					t.Fatal(err)
				}
				if largest.Load() != int64(mtu) {
					t.Errorf("largest packet has %d bytes", largest.Load())
				}
				if payload.Load() < size {
					t.Errorf("captured %d payload bytes of a response of %.0f", payload.Load(), size)
				}
				headers := headersIPv4
				if ipv6 {
					headers = headersIPv6
				}
				if got := int(result.First.Snd_mss); got != mtu-headers {
					t.Errorf("segment size %d bytes, want %d", got, mtu-headers)
				}
			})
		}
	}
}

func TestCaptureTellsTheFieldsOfAPacket(t *testing.T) {
	l := newLab(t, Path{RTT: 2 * time.Millisecond, Rate: 1e9})
	var synAck atomic.Pointer[Packet]
	l.Capture(func(p Packet) {
		const synAndAck = 0x12
		if p.TCP && p.Flags == synAndAck {
			p.Raw = nil
			synAck.Store(&p)
		}
	})
	client, server := connect(t, l, ListenSpec{}, DialSpec{})
	got := synAck.Load()
	if got == nil {
		t.Fatal("the server's SYN-ACK was not captured")
	}
	if got.From.String() != server.LocalAddr().String() || got.To.String() != client.LocalAddr().String() {
		t.Errorf("captured %v -> %v, want %v -> %v", got.From, got.To, server.LocalAddr(), client.LocalAddr())
	}
	if got.IPVersion != 4 || got.Payload != 0 || got.At <= 0 {
		t.Errorf("captured %+v", *got)
	}
}

func TestPCAPHoldsEveryPacket(t *testing.T) {
	l := newLab(t, Path{RTT: 2 * time.Millisecond, Rate: 1e9})
	var file bytes.Buffer
	pcap := l.WritePCAP(&file)
	if _, err := l.Fetch(context.Background(), ListenSpec{}, Fetch{Bytes: 100e3}); err != nil {
		t.Fatal(err)
	}
	if err := pcap.Close(); err != nil {
		t.Fatal(err)
	}
	records := uint64(0)
	for rest := file.Bytes()[24:]; len(rest) > 0; records++ {
		rest = rest[16+binary.LittleEndian.Uint32(rest[8:]):]
	}
	if want := l.Stats().ToClient.Packets; records != want {
		t.Errorf("%d records for %d packets", records, want)
	}
}
