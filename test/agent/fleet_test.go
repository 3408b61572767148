// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

func natsServer(t *testing.T) *server.Server {
	t.Helper()
	bus, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	check.Must(t, err)
	bus.Start()
	t.Cleanup(func() {
		bus.Shutdown()
		bus.WaitForShutdown()
	})
	if !bus.ReadyForConnections(patience) {
		t.Fatal("the NATS server did not start")
	}
	return bus
}

// Two machines by the program alone: a report here is an entry there, a deletion
// there is one here.
func TestTwoAgentsShareByTheProgram(t *testing.T) {
	bus := natsServer(t)
	configured := func(name string) string {
		file := filepath.Join(t.TempDir(), name+".yaml")
		check.Must(t, os.WriteFile(file, []byte("fleet: {name: "+name+"}\n"), 0o600))
		return file
	}
	one, two := newStage(t), newStage(t)
	one.start(t, "--fleet", bus.ClientURL(), "--config", configured("one"))
	two.start(t, "--fleet", bus.ClientURL(), "--config", configured("two"))
	peer := netip.MustParseAddr("203.0.113.7")
	code, _, stderr := one.run(t, "report", peer.String(), "--cwnd", "300kB", "--rtt", "20ms", "--sent", "9MB")
	if code != 0 {
		t.Fatalf("report: %d, %s", code, stderr)
	}
	check.Eventually(t, patience, "the entry on the other machine", func() bool {
		_, err := two.Get(peer, 0)
		return err == nil
	})
	want := stored(peer, 300_000)
	want.Source = resume.SourceFleet
	if got := two.entry(t, peer); got != want {
		t.Errorf("entry is %+v, want %+v", got, want)
	}
	_, stdout, _ := two.run(t, "status")
	for _, words := range []string{"Fleet:", "live", "tcpresume_default, ", " of 2 machines", "1 of other machines: 1 one", "in_stored"} {
		if !strings.Contains(stdout, words) {
			t.Errorf("status does not say %q:\n%s", words, stdout)
		}
	}
	if code, stdout, _ := two.run(t, "doctor", "--fleet", bus.ClientURL()); !strings.Contains(stdout, "fleet clock") {
		t.Errorf("doctor: %d, %s", code, stdout)
	}
	if code, _, stderr := two.run(t, "delete", peer.String()); code != 0 {
		t.Fatalf("delete: %d, %s", code, stderr)
	}
	for _, s := range []*stage{one, two} {
		check.Eventually(t, patience, "the deletion", func() bool {
			_, err := s.Get(peer, 0)
			return err != nil
		})
	}
	if code, _, stderr := one.run(t, "agent", "--check", "--fleet", "nats://a", "--config", "/dev/stdin"); code != 0 {
		t.Errorf("check: %d, %s", code, stderr)
	}
}

// No output of the program holds a password, whichever form the URL has: the log,
// the status for people and for programs, the metrics, the doctor.
func TestNoOutputHoldsThePassword(t *testing.T) {
	const password = "s3cr3t-pw"
	for _, url := range []string{"agent:" + password + "@127.0.0.1:1", "nats://agent:" + password + "@127.0.0.1:1", "nats://" + password + "@127.0.0.1:1,nats://127.0.0.1:2"} {
		s := newStage(t)
		a := s.start(t, "--fleet", url)
		var said strings.Builder
		for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"doctor", "--fleet", url}, {"doctor", "--fleet", url, "-o", "json"}, {"doctor", url}, {"agent", "--check", "--fleet", url + "x"}} {
			_, out, errs := s.run(t, args...)
			said.WriteString(out + errs)
		}
		for _, path := range []string{"/v1/status", "/metrics"} {
			reply, err := client.Get(t.Context(), s.sockets, path)
			check.Must(t, err)
			text, err := io.ReadAll(reply.Body)
			check.Must(t, err)
			reply.Body.Close()
			said.Write(text)
		}
		check.Must(t, a.Stop())
		said.WriteString(a.Said())
		if text := said.String(); strings.Contains(text, password) || !strings.Contains(text, "127.0.0.1:1") {
			t.Errorf("%s: said\n%s", url, text)
		}
	}
}

// What --check passes can start, and what cannot start --check refuses, by the same words.
func TestCheckAndStartAgree(t *testing.T) {
	s := newStage(t)
	secret := filepath.Join(t.TempDir(), "secret")
	check.Must(t, os.WriteFile(secret, []byte("no seed, no certificate"), 0o600))
	for _, fields := range []string{
		"nkey: /nonexistent/fleet.nk", "credentials: /nonexistent/fleet.creds", "ca: /nonexistent/ca.pem", "cert: /nonexistent/c, key: /nonexistent/k",
		"nkey: " + secret, "credentials: " + secret, "ca: " + secret, "netns: /nonexistent/blue", "url: 'nats://127.0.0.1:4222x'", "url: 'nats://me:hunter2@:1'",
	} {
		if !strings.HasPrefix(fields, "url") {
			fields = "url: 'nats://127.0.0.1:1', " + fields
		}
		config := filepath.Join(t.TempDir(), "agent.yaml")
		check.Must(t, os.WriteFile(config, []byte("fleet: {"+fields+"}\n"), 0o600))
		code, _, checked := s.run(t, "agent", "--config", config, "--check")
		again, _, started := s.run(t, "agent", "--config", config)
		if code != 2 || again != 2 || checked != started || strings.Contains(checked, "hunter2") {
			t.Errorf("%s:\n  --check: exit %d, %s  start:   exit %d, %s", fields, code, checked, again, started)
		}
	}
	for _, flags := range [][]string{{"--metrics", "127.0.0.1:none"}, {"--metrics", "127.0.0.1"}, {"--fleet", "nats://a:4222x"}} {
		code, _, checked := s.run(t, append([]string{"agent", "--check"}, flags...)...)
		again, _, started := s.run(t, append([]string{"agent"}, flags...)...)
		if code != 2 || again != 2 || checked != started {
			t.Errorf("%v:\n  --check: exit %d, %s  start:   exit %d, %s", flags, code, checked, again, started)
		}
	}
}
