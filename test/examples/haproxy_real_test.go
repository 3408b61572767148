// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
)

// haproxyRoots names directories, as PATH does, in which /usr/sbin/haproxy runs
// with what it needs: "/" where one with QUIC is installed, or packages unpacked into
// a directory that has a /dev/null.
const haproxyRoots = "HAPROXY_ROOTS"

const haproxyConfig = `global
    stats socket %[1]s/admin.sock mode 600 level operator
    limited-quic
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend web
    bind %[2]s ssl crt %[1]s/site.pem alpn http/1.1
    bind quic4@%[2]s ssl crt %[1]s/site.pem alpn h3
    default_backend files
backend files
    server files %[3]s
`

// TestRealHAProxies loads 1 MB over HTTP/3, which ends in CONNECTION_CLOSE, again
// and again, and over TCP before and after.
func TestRealHAProxies(t *testing.T) {
	roots := filepath.SplitList(os.Getenv(haproxyRoots))
	if len(roots) == 0 {
		t.Skipf("%s names no directory with a /usr/sbin/haproxy that has QUIC (Debian 13, or its packages unpacked; docs/servers.md)", haproxyRoots)
	}
	for _, root := range roots {
		version, err := exec.Command("chroot", root, "/usr/sbin/haproxy", "-v").Output()
		check.Must(t, err)
		words := strings.Fields(string(version))
		t.Run(words[2], func(t *testing.T) {
			const loads = 5
			var cold, resumed []time.Duration
			stored := 0
			for range loads {
				s := newStage(t, false)
				s.haproxy(t, root)
				cold = append(cold, s.overTCP(t, "/", response))
				s.overHTTP3(t, "/", response)
				if entry := s.reported(t); entry.Cwnd > 0 {
					stored++
				}
				time.Sleep(time.Second) // longer than the poller and the agent take
				resumed = append(resumed, s.overTCP(t, "/", response))
			}
			check.Same(t, "connections of which a report was stored", stored, loads)
			t.Logf("| HAProxy | %s | %d of %d | %d ms | %d ms |", words[2], stored, loads,
				figures.Median(cold).Milliseconds(), figures.Median(resumed).Milliseconds())
		})
	}
}

// haproxy starts one and its reporter.
func (s *stage) haproxy(t *testing.T, root string) {
	t.Helper()
	check.Must(t, os.MkdirAll(filepath.Join(root, "tmp"), 0o1777))
	dir, err := os.MkdirTemp(filepath.Join(root, "tmp"), "tcpresume-")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, os.RemoveAll(dir)) })
	certificate, err := example.NewCertificate(dir, name)
	check.Must(t, err)
	var pem []byte
	for _, file := range []string{certificate.Cert, certificate.Key} {
		text, err := os.ReadFile(file)
		check.Must(t, err)
		pem = append(pem, text...)
	}
	files, err := s.Server.Listen(s.ctx, lab.ListenSpec{Network: "tcp4", Addr: netip.MustParseAddrPort("127.0.0.1:0")})
	check.Must(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(response))
		_, _ = w.Write(make([]byte, response))
	})}
	go server.Serve(files)
	t.Cleanup(func() { check.Must(t, server.Close()) })
	inside := "/" + strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
	check.Must(t, os.WriteFile(filepath.Join(dir, "site.pem"), pem, 0o600))
	check.Must(t, os.WriteFile(filepath.Join(dir, "haproxy.cfg"), fmt.Appendf(nil, haproxyConfig, inside, s.server(), files.Addr()), 0o600))
	s.run(t, "", nil, "chroot", root, "/usr/sbin/haproxy", "-db", "-f", inside+"/haproxy.cfg")
	socket := filepath.Join(dir, "admin.sock")
	check.Eventually(t, patience, "HAProxy", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	s.run(t, "polling", nil, programs["examples/haproxy"], "-stats", socket)
}
