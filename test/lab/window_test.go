// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"
)

// On a kernel that opens by itself, the stock window stands for one that does not.
func TestOpenLetsThePeerSend(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 50e6, StockWindow: true})
	listener, err := l.Server.Listen(context.Background(), ListenSpec{})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := l.Client.Dial(context.Background(), DialSpec{Addr: netip.AddrPortFrom(l.Server.IPv4, port)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := open(client); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("?")); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	seen, err := TCPInfo(server.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	if seen.Snd_wnd < 4<<20 { // what the stock window's scale lets it say
		t.Errorf("the server may send %d bytes, want 4 MiB or more", seen.Snd_wnd)
	}
}
