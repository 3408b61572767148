// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"bufio"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// HAProxy is played by what one of them said, its client being ours: Debian's has no QUIC.
func TestHAProxyReports(t *testing.T) {
	s := newStage(t, false)
	recorded, err := os.ReadFile(at(t, "examples/haproxy/testdata/show-quic-3.5-dev5.txt"))
	check.Must(t, err)
	answer := strings.NewReplacer(
		"foreign_addr=127.0.0.1", "foreign_addr="+s.client.String(),
		"local_addr=127.0.0.1", "local_addr="+s.server().Addr().String(),
		"srtt=0 ", "srtt=64 ", "rttmin=0 ", "rttmin=60 ",
	).Replace(string(recorded))
	asked := play(t, "/run/haproxy.sock", answer)

	cold := s.fetch(t)
	s.run(t, "polling", nil, programs["examples/haproxy"], "-stats", "/run/haproxy.sock", "-every", "100ms")
	check.Same(t, "entry", s.saved(t), saved{350_608, 344_160, 60 * time.Millisecond, resume.SourceApplication})
	check.Same(t, "question", <-asked, "show quic cc,sock all\n")
	resumed := s.fetch(t)
	s.resumed(t)
	check.Same(t, "reports of a connection that sends nothing more", len(s.events.Reports()), 1)
	t.Logf("1 MB over TCP in %v cold, in %v resumed", cold.Elapsed, resumed.Elapsed)
}

// play answers every question on a Unix socket alike, as HAProxy does: one for each connection.
func play(t *testing.T, path, answer string) <-chan string {
	t.Helper()
	listener, err := net.Listen("unix", path)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, listener.Close()) })
	asked := make(chan string, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			question, _ := bufio.NewReader(conn).ReadString('\n')
			select {
			case asked <- question:
			default:
			}
			_, _ = conn.Write([]byte(answer))
			_ = conn.Close()
		}
	}()
	return asked
}
