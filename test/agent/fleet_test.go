// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

func natsServer(t *testing.T) *server.Server {
	t.Helper()
	nats, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	check.Must(t, err)
	nats.Start()
	t.Cleanup(func() {
		nats.Shutdown()
		nats.WaitForShutdown()
	})
	if !nats.ReadyForConnections(patience) {
		t.Fatal("the NATS server did not start")
	}
	return nats
}

// Two machines by the program alone: a report here is an entry there, a deletion
// there is one here.
func TestTwoAgentsShareByTheProgram(t *testing.T) {
	nats := natsServer(t)
	configured := func(name string) string {
		file := filepath.Join(t.TempDir(), name+".yaml")
		check.Must(t, os.WriteFile(file, []byte("fleet: {name: "+name+"}\n"), 0o600))
		return file
	}
	one, two := newStage(t), newStage(t)
	one.start(t, "--fleet", nats.ClientURL(), "--config", configured("one"))
	two.start(t, "--fleet", nats.ClientURL(), "--config", configured("two"))
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
	if code, stdout, _ := two.run(t, "doctor", "--fleet", nats.ClientURL()); !strings.Contains(stdout, "fleet clock") {
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
