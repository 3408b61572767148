// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/ask"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	page     = 60_000    // what the connection was used for once
	response = 1_000_000 // what is asked for over it after the idle time
)

// ways are what may happen while a connection is idle, each with a client address of its own.
var ways = []struct {
	name string
	act  func(*rig.Rig, *lab.Lab, *connection) error
}{
	{"nothing", func(*rig.Rig, *lab.Lab, *connection) error { return nil }},
	{"a report", report},
	{"an ask", func(_ *rig.Rig, l *lab.Lab, c *connection) error {
		return ask.Ask(c.server, ask.State{Cwnd: uint32(l.Path().BDP()), RTT: l.Path().RTT})
	}},
}

func clientOf(way int) netip.Addr { return netip.AddrFrom4([4]byte{198, 18, 1, byte(way + 1)}) }

func report(r *rig.Rig, l *lab.Lab, c *connection) error {
	if _, err := r.Store.Flush(); err != nil { // of earlier scenes, whose clients have the same addresses
		return err
	}
	_, err := r.Store.Put(resume.Path{
		Peer: c.client.LocalAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(), Cwnd: resume.Bytes(l.Path().BDP()), RTT: l.Path().RTT,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
	})
	if err != nil {
		return err
	}
	return l.Server.Do(func() error {
		result, err := revive.Here(loader.LiveLink(loader.DefaultPins))
		if err == nil && result.Resumed() != 1 {
			err = fmt.Errorf("the pass resumed %v, want 1 connection", result.Verdicts)
		}
		return err
	})
}

// connection is both ends; server sends.
type connection struct{ client, server *net.TCPConn }

// measured is one response over a connection that was idle.
type measured struct {
	took          time.Duration
	before, after unix.TCPInfo
}

func afterIdle(ctx context.Context, r *rig.Rig) error {
	if _, err := loader.AllowAsk(r.Options, r.Cgroup.Path(), pathstore.AskRule{Mode: resume.ModeCareful}); err != nil {
		return err
	}
	fmt.Fprintf(book, "A connection that brought %d kB, was idle for %v, and brings 1 MB then: 100 ms, 100 Mbit/s, medians of %d; stored window 1 BDP.\n", page/1000, *idle, *repeats)
	fmt.Fprintln(book, "Time from the request to the last byte; the ideal is one round trip and the bytes at full rate, 184 ms.")
	fmt.Fprintln(book, "\n| server | queue | in the idle time | window before | time | retransmits |\n|---|---|---|---|---|---|")
	all := make(map[scene][]measured)
	for range *repeats {
		if err := once(ctx, r, all); err != nil {
			return err
		}
	}
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		for _, queue := range queues {
			for way := range ways {
				of := all[scene{cc, queue, way}]
				for _, m := range of {
					book.AddTime(m.took, "live", "idle", cc, fmt.Sprintf("queue %g", queue), ways[way].name)
				}
				slices.SortFunc(of, func(a, b measured) int { return int(a.took - b.took) })
				m := of[len(of)/2]
				fmt.Fprintf(book, "| %s | %g BDP | %s | %d | %d ms | %d |\n", cc, queue, ways[way].name, m.before.Snd_cwnd, m.took.Milliseconds(), m.after.Total_retrans-m.before.Total_retrans)
			}
		}
	}
	return nil
}

var queues = []float64{0.25, 1}

type scene struct {
	cc    string
	queue float64
	way   int
}

// once lets a connection for each scene be idle together, and uses them one after another.
func once(ctx context.Context, r *rig.Rig, all map[scene][]measured) (err error) {
	labs := make(map[float64]*lab.Lab)
	defer func() {
		for _, l := range labs {
			err = errors.Join(err, l.Close())
		}
	}()
	connections := make(map[scene]*connection)
	defer func() {
		for _, c := range connections {
			c.close()
		}
	}()
	var order []scene
	for _, queue := range queues {
		path := lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}
		path.Queue = int(queue * float64(path.BDP()))
		if labs[queue], err = lab.New(path); err != nil {
			delete(labs, queue)
			return err
		}
		for n, cc := range []string{"cubic", "reno", "bbr"} {
			for way := range ways {
				at := scene{cc, queue, way}
				if connections[at], err = open(ctx, r, labs[queue], cc, clientOf(n*len(ways)+way)); err != nil {
					delete(connections, at)
					return err
				}
				order = append(order, at)
			}
		}
	}
	time.Sleep(*idle)
	for _, at := range order {
		c := connections[at]
		if err := ways[at.way].act(r, labs[at.queue], c); err != nil {
			return fmt.Errorf("%s: %w", ways[at.way].name, err)
		}
		m, err := c.measure()
		if err != nil {
			return err
		}
		all[at] = append(all[at], m)
		c.close()
	}
	return nil
}

// open makes a connection and uses it once.
func open(ctx context.Context, r *rig.Rig, l *lab.Lab, cc string, from netip.Addr) (*connection, error) {
	if err := l.Client.AddAddr(from); err != nil {
		return nil, err
	}
	c, err := connect(ctx, r, l, cc, from)
	if err != nil {
		return nil, err
	}
	if _, err := c.fetch(page); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *connection) measure() (m measured, err error) {
	if m.before, err = lab.TCPInfo(c.server); err != nil {
		return m, err
	}
	if m.took, err = c.fetch(response); err != nil {
		return m, err
	}
	m.after, err = lab.TCPInfo(c.server)
	return m, err
}

// close leaves the kernel nothing to send later.
func (c *connection) close() {
	_ = c.client.SetLinger(0)
	_ = c.client.Close()
	_ = c.server.Close()
}

func connect(ctx context.Context, r *rig.Rig, l *lab.Lab, cc string, from netip.Addr) (*connection, error) {
	listener, err := l.Server.Listen(ctx, lab.ListenSpec{Network: "tcp4", CC: cc, Cgroup: r.Cgroup})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	addr := netip.AddrPortFrom(l.Server.IPv4, listener.Addr().(*net.TCPAddr).AddrPort().Port())
	client, err := l.Client.Dial(ctx, lab.DialSpec{Addr: addr, Local: from})
	if err != nil {
		return nil, err
	}
	server, err := listener.Accept()
	if err != nil {
		client.Close()
		return nil, err
	}
	return &connection{client, server.(*net.TCPConn)}, nil
}

// fetch sends a request of one byte and reads size bytes.
func (c *connection) fetch(size int) (time.Duration, error) {
	failed := make(chan error, 1)
	go func() {
		request := make([]byte, 1)
		if _, err := io.ReadFull(c.server, request); err != nil {
			failed <- err
			return
		}
		_, err := c.server.Write(make([]byte, size))
		failed <- err
	}()
	begun := time.Now()
	if _, err := c.client.Write([]byte{1}); err != nil {
		return 0, err
	}
	_, err := io.CopyN(io.Discard, c.client, int64(size))
	took := time.Since(begun)
	return took, errors.Join(err, <-failed)
}
