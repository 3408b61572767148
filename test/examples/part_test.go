// SPDX-License-Identifier: Apache-2.0

package examples

import (
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
	}{{"IPv4", false, ""}, {"IPv6", true, ""}, {"v4-mapped", false, "::ffff:"}} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, c.ipv6)
			cold := s.fetch(t)
			// BBR's window is twice what the path holds: 42 Mbit/s and 60 ms are 315 kB.
			output, err := exec.CommandContext(s.ctx, part, c.prefix+s.client.String(), "51234", "630000", "60000", "42000000").CombinedOutput()
			check.Must(t, err)
			check.Same(t, "entry", s.saved(t), saved{315_000, 315_000, 60 * time.Millisecond, resume.SourceApplication})
			resumed := s.fetch(t)
			s.resumed(t)
			t.Logf("the program:\n%s", output)
			t.Logf("1 MB over TCP in %v cold, in %v resumed:\n%s", cold.Elapsed, resumed.Elapsed, strings.Join(s.events.Record(), "\n"))
		})
	}
}

func TestCHeaderIsCAndCPlusPlus(t *testing.T) {
	for _, language := range []string{"c", "c++"} {
		compiler := exec.CommandContext(t.Context(), "gcc", "-x", language, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-include", at(t, "examples/c/tcpresume.h"), "/dev/null")
		check.Must(t, example.Quietly(compiler))
	}
}
