// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/lab"
)

// fetch loads a response over TCP from a server in the cgroup whose connections
// resume, behind a first answer such as TLS has.
func (s *stage) fetch(t *testing.T) lab.Result {
	t.Helper()
	result, err := s.Fetch(s.ctx, lab.ListenSpec{CC: "cubic", Cgroup: loaded.Cgroup},
		lab.Fetch{Bytes: response, Before: 4000, Server: s.server().Addr(), Local: s.client, SampleEvery: -1})
	check.Must(t, err)
	return result
}

// saved is what of an entry comes from a report.
type saved struct {
	Cwnd, Ssthresh resume.Bytes
	RTT            time.Duration
	Source         resume.Source
}

func (s *stage) saved(t *testing.T) saved {
	t.Helper()
	entry := s.reported(t)
	return saved{entry.Cwnd, entry.Ssthresh, entry.RTT, entry.Source}
}

func TestCReports(t *testing.T) {
	part := filepath.Join(t.TempDir(), "part")
	check.Must(t, example.Quietly(exec.CommandContext(t.Context(), "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", part, at(t, "examples/c/part.c"))))
	for _, c := range []struct {
		name   string
		ipv6   bool
		prefix string // of the address as the server has it
		cid    string
	}{{"IPv4", false, "", "0a"}, {"IPv6", true, "", "0b"}, {"v4-mapped", false, "::ffff:", "0c"}} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, c.ipv6)
			cold := s.fetch(t)
			// BBR's window is twice what the path holds.
			check.Must(t, example.Quietly(exec.CommandContext(s.ctx, part, c.prefix+s.client.String(), "51234", "new:"+c.cid, "write:900000:330000:60000", "closed")))
			check.Same(t, "entry", s.saved(t), saved{165_000, 0, 60 * time.Millisecond, resume.SourceApplication})
			resumed := s.fetch(t)
			s.resumed(t)
			t.Logf("1 MB over TCP in %v cold, in %v resumed:\n%s", cold.Elapsed, resumed.Elapsed, strings.Join(s.events.Record(), "\n"))
		})
	}
}

// Each connection has a name of its own, although lsquic puts the next where the
// last was; a short answer leaves the second's report to what is worth it; the end
// is told with what was seen last.
func TestLsquicTells(t *testing.T) {
	dir := t.TempDir()
	part, socket := filepath.Join(dir, "part"), filepath.Join(dir, "report")
	check.Must(t, example.Quietly(exec.CommandContext(t.Context(), "gcc", "-Wall", "-Wextra", "-Werror",
		fmt.Sprintf("-DTCPRESUME_SOCKET=%q", socket), "-o", part, at(t, "examples/c/part.c"))))
	agent, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	check.Must(t, err)
	defer agent.Close()
	const initial = "46720"
	check.Must(t, example.Quietly(exec.CommandContext(t.Context(), part, "192.0.2.7", "51234",
		"new:0aff", "write:3000:"+initial+":60000", "write:100000:146720:60000", "write:200000:240000:60000",
		"second", "write:100003:146720:60000", "write:900000:404000:60000", "write:990000:420000:60000", "closed",
		"new:0b", "write:80000:120000:60000", // in the same second
		"new:0c", "write:90000:130000:60000", "closed", // the end of the one before was not told
		"new:0d", "write:50000:90000:60000", "closed",
		"second", "new:0e", "write:0:"+initial+":1000", "write:0:70000:1000", // lsquic that does not count
		"second", "write:0:70000:1000", "closed")))
	sample := func(event resume.ReportEvent, id string, sent, cwnd uint64, rtt time.Duration, cc string) resume.Report {
		return resume.Report{Event: event, Peer: netip.MustParseAddr("192.0.2.7"), Port: 51234, ID: id, Cwnd: cwnd, MinRTT: rtt, SRTT: rtt, Sent: sent, MSS: 1350, CC: cc}
	}
	const far, near = 60 * time.Millisecond, time.Millisecond
	var told []resume.Report
	for buffer := make([]byte, 4096); ; {
		check.Must(t, agent.SetReadDeadline(time.Now().Add(100*time.Millisecond))) // all is sent
		n, err := agent.Read(buffer)
		if err != nil {
			break
		}
		var r resume.Report
		check.Must(t, json.Unmarshal(buffer[:n], &r))
		told = append(told, r)
	}
	check.Same(t, "reports", told, []resume.Report{
		sample(resume.ReportTick, "0aff", 100_000, 146_720, far, "bbr"),
		sample(resume.ReportTick, "0aff", 900_000, 404_000, far, "bbr"),
		sample(resume.ReportClose, "0aff", 990_000, 420_000, far, "bbr"),
		sample(resume.ReportTick, "0b", 80_000, 120_000, far, "bbr"),
		sample(resume.ReportTick, "0c", 90_000, 130_000, far, "bbr"),
		sample(resume.ReportClose, "0c", 90_000, 130_000, far, "bbr"),
		sample(resume.ReportTick, "0e", 0, 70_000, near, "cubic"),
		sample(resume.ReportClose, "0e", 0, 70_000, near, "cubic"),
	})
}

func TestCHeaderIsCAndCPlusPlus(t *testing.T) {
	for _, language := range []string{"c", "c++"} {
		compiler := exec.CommandContext(t.Context(), "gcc", "-x", language, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-include", at(t, "examples/c/tcpresume.h"), "/dev/null")
		check.Must(t, example.Quietly(compiler))
	}
}
