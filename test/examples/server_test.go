// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
)

func TestCaddyReports(t *testing.T) {
	s := newStage(t, false)
	root := t.TempDir()
	certificate, err := example.NewCertificate(t.TempDir(), name)
	check.Must(t, err)
	check.Must(t, os.WriteFile(filepath.Join(root, "warm"), make([]byte, warm), 0o644))
	check.Must(t, os.WriteFile(filepath.Join(root, "page"), make([]byte, response), 0o644))
	env := []string{"SITE_ROOT=" + root, "SITE_CERT=" + certificate.Cert, "SITE_KEY=" + certificate.Key, "HOME=" + root}
	s.run(t, "serving HTTP/3 and reporting", env, programs["examples/caddy"], "run", "--config", at(t, "examples/caddy/caddy.json"))

	cold := s.overTCP(t, "/page", response)
	s.overHTTP3(t, "/warm", warm)
	entry := s.reported(t)
	resumed := s.overTCP(t, "/page", response)
	s.resumed(t)
	t.Logf("1 MB over TCP in %v cold, in %v resumed from %d bytes", cold, resumed, entry.Cwnd)
}

func TestQuicGoReports(t *testing.T) {
	s := newStage(t, true)
	s.run(t, "serving", nil, programs["examples/quic-go"], "-addr", s.server().String())

	cold := s.overTCP(t, "/bytes/1000000", response)
	s.overHTTP3(t, "/bytes/4000000", warm)
	entry := s.reported(t)
	resumed := s.overTCP(t, "/bytes/1000000", response)
	s.resumed(t)
	t.Logf("1 MB over TCP in %v cold, in %v resumed from %d bytes", cold, resumed, entry.Cwnd)
}

func TestNodeReports(t *testing.T) {
	s := newStage(t, false)
	node := node(t)
	directory := at(t, "examples/node")
	certificate, err := example.NewCertificate(t.TempDir(), name)
	check.Must(t, err)
	server := s.run(t, "serving", nil, node, filepath.Join(directory, "server.js"),
		"--cert", certificate.Cert, "--key", certificate.Key, "--host", s.server().Addr().String())

	cold := s.overTCP(t, "/bytes/1000000", response)
	s.overQUIC(t, warm)
	check.Eventually(t, patience, "the last report", func() bool { return strings.Contains(server.Output(), "close ") })
	entry := s.reported(t)
	resumed := s.overTCP(t, "/bytes/1000000", response)
	s.resumed(t)
	t.Logf("the server:\n%s", server.Output())
	t.Logf("1 MB over TCP in %v cold, in %v resumed from %d bytes:\n%s", cold, resumed, entry.Cwnd, strings.Join(s.events.Record(), "\n"))
}

// The module's own tests, which need no kernel: batches, an agent that is away, refusals, node:quic's channels.
func TestNodeModule(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), node(t), "--test", at(t, "examples/node/test"))
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
