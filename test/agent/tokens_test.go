// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/tcpresume/tcpresume/test/check"
)

// tokens look like addresses, also like those that no connection comes from.
var tokens = []string{
	"0102030405060708090a0b0c0d0e0f10", "ff02000000000000000000000000abcd", "00000000000000000000000000000000",
	"20010db8000000000000000000000007", "00000000000000000000ffffcb007107",
}

// What "dump" writes "load" stores, under the policy that "put" went by.
func TestWhatIsDumpedIsLoaded(t *testing.T) {
	s := newStage(t)
	must := func(args ...string) string {
		t.Helper()
		code, stdout, stderr := s.run(t, args...)
		if code != 0 {
			t.Fatalf("%v: exit %d, %s", args, code, stderr)
		}
		return stdout
	}
	var keys []string
	for _, token := range tokens {
		keys = append(keys, "token:"+token)
	}
	keys = append(keys, "192.0.2.1", "2001:db8::")
	for _, key := range keys {
		must("put", key, "--cwnd", "256KiB", "--rtt", "80ms")
	}
	must("put", "198.51.100.1", "--cwnd", "256KiB", "--ttl", "9m")
	must("policy", "set", "2001:db8::/32", "--lifetime", "2s")   // not of tokens; shorter than what is stored
	must("policy", "set", "198.51.100.0/24", "--scope", "netns") // what is stored there no connection finds any more
	file := filepath.Join(t.TempDir(), "paths")
	check.Must(t, os.WriteFile(file, []byte(must("dump")), 0o600))
	must("flush")
	must("load", file)
	for _, key := range keys {
		if shown := must("get", key); !strings.Contains(shown, key+"\n") {
			t.Errorf("get %s shows another key:\n%s", key, shown)
		}
	}
	check.Same(t, "entries", s.count(t), len(keys))
	shown := must("list", "--prefix", "2001:db8::/32") + must("list", "--prefix", "203.0.113.0/24")
	if strings.Contains(shown, "token:") || !strings.Contains(shown, "2001:db8::") {
		t.Errorf("tokens are in the prefix of an address:\n%s", shown)
	}
}

// A token is a secret of one machine: deleting it says nothing to the fleet.
func TestDeletedTokensAreToldToNobody(t *testing.T) {
	server := natsServer(t)
	s := newStage(t)
	s.start(t, "--fleet", server.ClientURL())
	everything, err := nats.Connect(server.ClientURL())
	check.Must(t, err)
	defer everything.Close()
	seen, err := everything.SubscribeSync(">")
	check.Must(t, err)
	check.Must(t, everything.Flush())
	for _, key := range append([]string{"203.0.113.7"}, tokens...) {
		if key != "203.0.113.7" {
			key = "token:" + key
		}
		if code, _, stderr := s.run(t, "put", key, "--cwnd", "256KiB", "--rtt", "80ms"); code != 0 {
			t.Fatalf("put: exit %d, %s", code, stderr)
		}
	}
	for _, token := range tokens {
		if code, stdout, stderr := s.run(t, "delete", "token:"+token); code != 0 || stdout != "deleted the path of token:"+token+"\n" {
			t.Errorf("delete: exit %d, %s%s", code, stdout, stderr)
		}
	}
	if code, _, stderr := s.run(t, "delete", "203.0.113.7"); code != 0 { // told behind them
		t.Fatalf("delete: exit %d, %s", code, stderr)
	}
	for told := false; !told; {
		m, err := seen.NextMsg(patience)
		check.Must(t, err)
		told = strings.HasSuffix(m.Subject, ".v4.203.0.113.7")
		if strings.Contains(m.Subject, ".v6.") || strings.Contains(m.Subject, ".v4.") && !told {
			t.Errorf("the fleet was told of %s: %s", m.Subject, m.Data)
		}
	}
}
