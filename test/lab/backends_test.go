// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"
)

// Each of two hosts gets some of the flows, and each flow stays with its host.
func TestBackendsShareTheFlows(t *testing.T) {
	l, err := New(Path{RTT: 4 * time.Millisecond, Rate: 100e6})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	vips := []netip.Addr{netip.MustParseAddr("198.19.0.100"), netip.MustParseAddr("fd00:19::100")}
	hosts, err := l.Backends(2, vips[0], vips[1])
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(hosts)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i, host := range hosts {
		listener, err := host.Listen(ctx, ListenSpec{Addr: netip.AddrPortFrom(netip.Addr{}, 443)})
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					_, _ = io.CopyN(io.Discard, conn, 100_000)
					_, _ = conn.Write([]byte{byte(i)})
				}()
			}
		}()
	}
	for _, vip := range vips {
		var flows [2]int
		for range 40 {
			conn, err := l.Client.Dial(ctx, DialSpec{Addr: netip.AddrPortFrom(vip, 443)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(make([]byte, 100_000)); err != nil {
				t.Fatal(err)
			}
			var answer [1]byte
			if _, err := io.ReadFull(conn, answer[:]); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			flows[answer[0]]++
		}
		if flows[0] < 5 || flows[1] < 5 {
			t.Errorf("%v: the hosts got %v flows", vip, flows)
		}
	}
}
