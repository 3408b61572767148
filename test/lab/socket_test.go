// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

func TestListenerPassesItsCongestionControlOn(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	for _, name := range []string{"cubic", "reno"} {
		_, server := connect(t, l, ListenSpec{CC: name}, DialSpec{})
		err := Control(server, func(fd int) error {
			got, err := CongestionControl(fd)
			if got != name {
				t.Errorf("accepted socket has %q, want %q", got, name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestUnknownCongestionControlIsAnError(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	_, err := l.Server.Listen(context.Background(), ListenSpec{CC: "nonesuch"})
	if err == nil || !strings.Contains(err.Error(), "nonesuch") {
		t.Errorf("got %v, want an error that names the congestion control", err)
	}
}

func TestMultipathOnlyWhenAsked(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	for _, want := range []bool{false, true} {
		_, server := connect(t, l, ListenSpec{MPTCP: want}, DialSpec{MPTCP: want})
		got, err := server.MultipathTCP()
		if err != nil || got != want {
			t.Errorf("multipath is %v, want %v: %v", got, want, err)
		}
	}
}

func TestFastOpenSavesARoundTrip(t *testing.T) {
	const rtt = 50 * time.Millisecond
	l := newLab(t, Path{RTT: rtt, Rate: 1e9})
	server, err := l.Serve(context.Background(), ListenSpec{FastOpen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	elapsed := func() time.Duration {
		result, err := server.Fetch(context.Background(), Fetch{Bytes: 100, FastOpen: true})
		if err != nil {
			t.Fatal(err)
		}
		return result.Elapsed
	}
	if first, second := elapsed(), elapsed(); second > first-rtt/2 {
		t.Errorf("with a cookie %v, without %v", second, first)
	}
}

func TestDualStackListenerTakesBothFamilies(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	server, err := l.Serve(context.Background(), ListenSpec{Network: "tcp"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, ipv6 := range []bool{false, true} {
		if _, err := server.Fetch(context.Background(), Fetch{Bytes: 1000, IPv6: ipv6}); err != nil {
			t.Errorf("ipv6 %v: %v", ipv6, err)
		}
	}
}

func TestAddedAddressesAreUsable(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	for _, text := range []string{"198.18.7.7", "203.0.113.9", "fd00:18::7", "2001:db8::9"} {
		addr := netip.MustParseAddr(text)
		if err := l.Client.AddAddr(addr); err != nil {
			t.Fatal(err)
		}
		server := l.Server.Addr(addr.Is6())
		network := map[bool]string{false: "tcp4", true: "tcp6"}[addr.Is6()]
		listener, err := l.Server.Listen(context.Background(), ListenSpec{Network: network})
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		conn, err := l.Client.Dial(context.Background(), DialSpec{Addr: portOf(listener, server), Local: addr})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got := conn.LocalAddr().(*net.TCPAddr).AddrPort().Addr(); got != addr {
			t.Errorf("connected from %v, want %v", got, addr)
		}
	}
}

func TestRouteSetsTheInitialWindow(t *testing.T) {
	l := newLab(t, Path{RTT: 10 * time.Millisecond, Rate: 1e9})
	const segments = 77
	for _, ipv6 := range []bool{false, true} {
		if err := l.Server.RouteInitCwnd(l.Client.Addr(ipv6), segments); err != nil {
			t.Fatal(err)
		}
		result, err := l.Fetch(context.Background(), ListenSpec{CC: "cubic"}, Fetch{Bytes: 1e5, IPv6: ipv6})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.First.Snd_cwnd; got != segments {
			t.Errorf("ipv6 %v: initial window %d segments, want %d", ipv6, got, segments)
		}
	}
}

func TestSysctlStaysInTheLab(t *testing.T) {
	keys := []string{"ipv4/tcp_rmem", "ipv4/tcp_wmem", "ipv4/tcp_no_metrics_save", "ipv4/tcp_fastopen", "ipv4/tcp_congestion_control"}
	machine := func() string {
		var all strings.Builder
		for _, key := range keys {
			value, err := os.ReadFile("/proc/sys/net/" + key)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(value)
		}
		return all.String()
	}
	before := machine()
	l := newLab(t, Path{Rate: 1e9})
	for key, value := range map[string]string{
		"net.ipv4.tcp_rmem":               "4096 99999 199999",
		"net.ipv4.tcp_wmem":               "4096 99999 199999",
		"net.ipv4.tcp_fastopen":           "3",
		"net.ipv4.tcp_no_metrics_save":    "1",
		"net.ipv4.tcp_congestion_control": "reno",
	} {
		if err := l.Server.Sysctl(key, value); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Server.ReadSysctl(key); err != nil || got != value {
			t.Errorf("%s is %q, want %q: %v", key, got, value, err)
		}
	}
	if after := machine(); after != before {
		t.Errorf("the machine's own values went from\n%sto\n%s", before, after)
	}
	if err := l.Server.Sysctl("kernel.pid_max", "1"); err == nil {
		t.Error("a variable of the whole machine was accepted")
	}
}
