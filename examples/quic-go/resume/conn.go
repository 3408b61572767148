// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tcpresume/tcpresume/pkg/client"
	wire "github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	// worthAReport is what a connection sends between two reports, in bytes.
	worthAReport = 64 << 10
	// interval is the least time between two reports of a connection, and the
	// time in which the sweep looks at every connection once.
	interval = time.Second
	// initialWindow is where quic-go starts: 32 packets, of 1200 bytes at least.
	// Whoever sent less has learnt nothing of the path.
	initialWindow = 32 * 1200
)

// conn is a live connection and what it has told.
type conn struct {
	quic     *quic.Conn
	number   uint64
	reporter *client.Reporter

	mu   sync.Mutex
	sent uint64 // at the latest report
	at   time.Time
}

// sample reports if there is something new to tell.
func (c *conn) sample() {
	stats := c.quic.ConnectionStats()
	now := time.Now()
	c.mu.Lock()
	news := stats.BytesSent >= initialWindow && stats.BytesSent-c.sent >= worthAReport && now.Sub(c.at) >= interval
	if news {
		c.sent, c.at = stats.BytesSent, now
	}
	c.mu.Unlock()
	if news {
		c.report(wire.ReportTick, stats)
	}
}

// closed reports for the last time, without any delay: a client that was told to
// go has a round trip until its first TCP packet is here.
func (c *conn) closed() {
	if stats := c.quic.ConnectionStats(); stats.BytesSent >= initialWindow {
		c.report(wire.ReportClose, stats)
	}
}

func (c *conn) report(event wire.ReportEvent, stats quic.ConnectionStats) {
	peer := address(c.quic.RemoteAddr()) // follows a migration
	if !peer.IsValid() {
		return
	}
	// An agent that is away or busy costs this sample; the next one makes up for it.
	_ = c.reporter.Report(context.Background(), wire.Report{
		Event: event, ID: process + "-" + strconv.FormatUint(c.number, 36), Peer: peer.Addr(), Port: peer.Port(), Local: local(c.quic.LocalAddr()),
		Cwnd: stats.CongestionWindow, MinRTT: stats.MinRTT, SRTT: stats.SmoothedRTT,
		Sent: stats.BytesSent, Lost: stats.PacketsLost, CC: "reno", // quic-go's only one
	})
}

func address(a net.Addr) netip.AddrPort {
	udp, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	addr := udp.AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap().WithZone(""), addr.Port())
}

// local is not known of a socket that listens on every address.
func local(a net.Addr) netip.Addr {
	if addr := address(a).Addr(); addr.IsValid() && !addr.IsUnspecified() {
		return addr
	}
	return netip.Addr{}
}

// process and a number name a connection, so that a window that was reset is not
// taken for that of another one.
var (
	process = rand.Text()[:8]
	numbers atomic.Uint64
)
