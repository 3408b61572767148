// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// messages are one report of each peer, ready to be sent.
func (b *bed) messages(cwnd uint64) [][]byte {
	all := make([][]byte, b.peers)
	for i := range all {
		all[i] = message(i, cwnd)
	}
	return all
}

func peerOf(i int) netip.Addr {
	if i%2 == 0 {
		return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 13: byte(i >> 16), 14: byte(i >> 8), 15: byte(i)})
}

func message(i int, cwnd uint64) []byte {
	r := resume.Report{
		Event: resume.ReportTick, Peer: peerOf(i), Port: uint16(1024 + i%60_000), ID: fmt.Sprintf("c%08x", i), Cwnd: cwnd,
		MinRTT: 21 * time.Millisecond, SRTT: 25 * time.Millisecond, Sent: 9_000_000, Lost: 12, MSS: 1452, CC: "cubic",
	}
	return r.Append(nil)
}

// connect is a sender's socket, with the buffer that pkg/client asks for.
func (b *bed) connect() (*net.UnixConn, error) {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: filepath.Join(b.dir, resume.ReportSocket), Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return conn, conn.SetWriteBuffer(1 << 20)
}

// senders is how many processes the load stands for: a socket holds a few
// hundred datagrams at most, whatever the queue does.
const senders = 8

// taken is how many reports had each result.
func (b *bed) taken() (map[agent.Result]uint64, error) {
	reply, err := client.Get(context.Background(), b.dir, "/v1/status")
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	var s agent.Status
	if err := json.NewDecoder(reply.Body).Decode(&s); err != nil {
		return nil, err
	}
	sum := make(map[agent.Result]uint64)
	for _, c := range s.Reports {
		sum[c.Result] += c.Reports
	}
	return sum, nil
}

// settled waits until the agent has nothing more to take.
func (b *bed) settled() (map[agent.Result]uint64, error) {
	for last := uint64(0); ; time.Sleep(50 * time.Millisecond) {
		now, err := b.taken()
		if err != nil {
			return nil, err
		}
		sum := now[agent.Stored] + now[agent.Held] + now[agent.Refused]
		if sum == last {
			return now, nil
		}
		last = sum
	}
}

// probe is how soon one report is in the map: its peer's entry is looked at
// without a pause until it shows the window.
func (b *bed) probe(conn *net.UnixConn, i int) (time.Duration, error) {
	peer, cwnd := b.peers+1, uint64(200_000+i)
	text := message(peer, cwnd)
	start := time.Now()
	if _, err := conn.Write(text); err != nil {
		return 0, err
	}
	for time.Since(start) < time.Second {
		if e, err := b.store.Get(peerOf(peer), 0); err == nil && e.Cwnd == resume.Bytes(cwnd) {
			return time.Since(start), nil
		}
	}
	return 0, fmt.Errorf("probe %d is not in the map after a second", i)
}

// descriptor is valid as long as its connection is open and used.
func descriptor(conn *net.UnixConn) (fd int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

// datagrams offers the rate in bursts of a millisecond's, without blocking:
// what finds the queue full is lost, as for a server.
func (b *bed) datagrams() error {
	var sockets [senders]int
	var conn *net.UnixConn
	for i := range sockets {
		var err error
		if conn, err = b.connect(); err != nil {
			return err
		}
		defer conn.Close()
		if sockets[i], err = descriptor(conn); err != nil {
			return err
		}
	}
	before, err := b.settled()
	if err != nil {
		return err
	}
	all := b.messages(300_000)
	cpu := b.cpuTime()
	var sent, lost int
	var waits []time.Duration
	start := time.Now()
	for time.Since(start) < b.duration {
		due := int(time.Since(start).Seconds() * float64(b.rate))
		for ; sent < due; sent++ {
			switch err := unix.Sendto(sockets[sent%senders], all[sent%len(all)], unix.MSG_DONTWAIT, nil); err {
			case nil:
			case unix.EAGAIN:
				lost++
			default:
				return err
			}
		}
		if len(waits) < 100*int(time.Since(start).Seconds()+1) {
			wait, err := b.probe(conn, len(waits))
			if err != nil {
				return err
			}
			waits = append(waits, wait)
			continue
		}
		time.Sleep(100 * time.Microsecond)
	}
	took := time.Since(start)
	cpu = b.cpuTime() - cpu
	after, err := b.settled()
	if err != nil {
		return err
	}
	stored := after[agent.Stored] - before[agent.Stored]
	b.book.Add(float64(sent)/took.Seconds(), "/s", "reports", "datagrams", "offered")
	b.book.Add(float64(lost), "lost", "reports", "datagrams")
	b.book.Add(100*cpu.Seconds()/took.Seconds(), "%core", "reports", "datagrams")
	for _, wait := range waits {
		b.book.AddTime(wait, "reports", "datagrams", "report to map")
	}
	b.row("datagrams offered", "%.0f/s for %.0f s, %d peers", float64(sent)/took.Seconds(), took.Seconds(), b.peers)
	b.row("- lost because the queue was full", "%d of %d", lost, sent)
	b.row("- stored", "%d of %d, held %d, refused %d", stored, sent-lost+len(waits), after[agent.Held]-before[agent.Held], after[agent.Refused]-before[agent.Refused])
	b.row("- agent's share of its core", "%.0f %%", 100*cpu.Seconds()/took.Seconds())
	slices.Sort(waits)
	b.row("- report to map under that load", "median %v, p99 %v, longest %v (%d probes)", waits[len(waits)/2].Round(time.Microsecond),
		waits[len(waits)*99/100].Round(time.Microsecond), waits[len(waits)-1].Round(time.Microsecond), len(waits))
	return nil
}

// saturated sends as fast as the agent takes: a full queue makes the sender wait.
func (b *bed) saturated() error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	all := b.messages(310_000)
	sent, start := 0, time.Now()
	for time.Since(start) < b.duration/2 {
		for range 100 {
			if _, err := conn.Write(all[sent%len(all)]); err != nil {
				return err
			}
			sent++
		}
	}
	b.book.Add(float64(sent)/time.Since(start).Seconds(), "/s", "reports", "datagrams", "most")
	b.row("datagrams, as fast as the agent takes them", "%.0f/s", float64(sent)/time.Since(start).Seconds())
	return nil
}

// batches posts reports over one connection, a hundred at a time, at 10 000 a second.
func (b *bed) batches() error {
	const batch, rate = 100, 10_000
	before, err := b.settled()
	if err != nil {
		return err
	}
	cpu := b.cpuTime()
	var waits []time.Duration
	sent, start := 0, time.Now()
	conn, err := net.Dial("unix", filepath.Join(b.dir, resume.APISocket))
	if err != nil {
		return err
	}
	defer conn.Close()
	for time.Since(start) < b.duration {
		if due := time.Duration(sent) * time.Second / rate; time.Since(start) < due {
			time.Sleep(due - time.Since(start))
		}
		var body bytes.Buffer
		for range batch {
			body.Write(message(sent%b.peers, 320_000))
			body.WriteByte('\n')
			sent++
		}
		asked := time.Now()
		if err := postOn(conn, body.Bytes()); err != nil {
			return err
		}
		waits = append(waits, time.Since(asked))
	}
	took := time.Since(start)
	cpu = b.cpuTime() - cpu
	after, err := b.settled()
	if err != nil {
		return err
	}
	slices.Sort(waits)
	b.book.Add(float64(sent)/took.Seconds(), "/s", "reports", "HTTP", "offered")
	b.book.Add(100*cpu.Seconds()/took.Seconds(), "%core", "reports", "HTTP")
	for _, wait := range waits {
		b.book.AddTime(wait, "reports", "HTTP", "100 in the map")
	}
	b.row("HTTP, batches of 100", "%.0f reports/s for %.0f s, stored %d of %d", float64(sent)/took.Seconds(), took.Seconds(), after[agent.Stored]-before[agent.Stored], sent)
	b.row("- agent's share of its core", "%.0f %%", 100*cpu.Seconds()/took.Seconds())
	b.row("- request to answer, all 100 in the map", "median %v, p99 %v", waits[len(waits)/2].Round(time.Microsecond), waits[len(waits)*99/100].Round(time.Microsecond))
	return nil
}

func postOn(conn net.Conn, body []byte) error {
	if _, err := fmt.Fprintf(conn, "POST /v1/reports HTTP/1.1\r\nHost: agent\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil && err != io.EOF {
		return err
	}
	if !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 200")) {
		return fmt.Errorf("the agent answered %q", answer[:n])
	}
	return nil
}

// malformed sends garbage of several sorts and looks what it left.
func (b *bed) malformed() error {
	conn, err := b.connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := b.store.Flush(); err != nil {
		return err
	}
	before, err := b.settled()
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(7, 8))
	whole := message(1, 300_000)
	buf := make([]byte, 0, 2*resume.MaxReport)
	start := time.Now()
	for i := range b.garbage {
		buf = append(buf[:0], whole...)
		switch i % 5 {
		case 0:
			buf = buf[:1+random.IntN(len(buf)-1)]
		case 1:
			for j := range buf {
				buf[j] = byte(random.Uint32())
			}
		case 2: // the version, in each report's fifth byte
			buf[5] = byte('2' + random.IntN(8))
		case 3:
			buf = append(buf, buf...)
		case 4:
			buf = append(buf, make([]byte, resume.MaxReport)...)
		}
		if _, err := conn.Write(buf); err != nil {
			return fmt.Errorf("garbage %d: %w", i, err)
		}
	}
	took := time.Since(start)
	after, err := b.settled()
	if err != nil {
		return fmt.Errorf("after the garbage: %w", err)
	}
	entries := 0
	for range b.store.Entries() {
		entries++
	}
	b.book.Add(float64(b.garbage)/took.Seconds(), "/s", "reports", "malformed")
	b.row("malformed datagrams", "%d sent in %.1f s, %d refused, %d stored, %d entries in the map",
		b.garbage, took.Seconds(), after[agent.Refused]-before[agent.Refused], after[agent.Stored]-before[agent.Stored], entries)
	return b.memory("- memory of the agent afterwards")
}
