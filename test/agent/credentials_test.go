// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/test/check"
)

const strangerEnv = "TCPRESUME_AGENT_STRANGER"

// stranger is this program as another user: it reports over both sockets and
// prints what it is told.
func stranger(dir string) {
	ctx := context.Background()
	datagrams := client.New(client.Options{Dir: dir})
	if err := datagrams.Report(ctx, grown(peerOf(0), 300_000)); err != nil {
		fmt.Println("datagram:", err)
	} else {
		fmt.Println("datagram: sent")
	}
	answer, err := client.Send(ctx, dir, grown(peerOf(2), 300_000))
	var refused *client.Refused
	switch {
	case errors.As(err, &refused):
		fmt.Println("http:", refused.Status, refused.Reason)
	case err != nil:
		fmt.Println("http:", err)
	default:
		fmt.Println("http: stored", answer.Stored)
	}
	os.Exit(0)
}

func asUser(t *testing.T, uid, gid uint32, dir string) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	check.Must(t, err)
	place, err := os.MkdirTemp("", "tcpresume-user-")
	check.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(place) })
	check.Must(t, os.Chmod(place, 0o755))
	copied := filepath.Join(place, "stranger")
	check.Must(t, os.WriteFile(copied, self, 0o755))
	cmd := exec.Command(copied)
	cmd.Env = append(os.Environ(), strangerEnv+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as uid %d: %v\n%s", uid, err, out)
	}
	return string(out)
}

func TestOtherUsersAreRefusedOnBothSockets(t *testing.T) {
	s := newStage(t)
	config := filepath.Join(filepath.Dir(s.sockets), "agent.yaml")
	check.Must(t, os.WriteFile(config, []byte("group: 4000\ncallers:\n  - users: [4001]\n"), 0o600))
	s.start(t, "--config", config)

	for _, c := range []struct {
		uid, gid uint32
		want     string
	}{
		{4001, 4000, "datagram: sent\nhttp: stored 1\n"},
		{4002, 4000, "datagram: sent\nhttp: 403 uid\n"},  // reaches the sockets, and may not report
		{65534, 4000, "datagram: sent\nhttp: 403 uid\n"}, // never, whoever that is
		{4002, 4002, "permission denied"},                // does not even reach them
	} {
		_, err := s.Flush()
		check.Must(t, err)
		if got := asUser(t, c.uid, c.gid, s.sockets); got != c.want && !(c.gid == 4002 && strings.Count(got, c.want) == 2) {
			t.Errorf("uid %d, gid %d: got %q, want %q", c.uid, c.gid, got, c.want)
		}
		want := 0
		if c.uid == 4001 {
			want = 2
		}
		check.Eventually(t, patience, fmt.Sprintf("uid %d has %d entries", c.uid, want), func() bool { return s.count(t) == want })
	}
	_, out, _ := s.run(t, "status", "-o", "json")
	for _, words := range []string{
		`{"uid":4001,"result":"stored","reason":"","reports":2}`, `{"uid":4002,"result":"refused","reason":"uid","reports":2}`,
		`{"uid":65534,"result":"refused","reason":"uid","reports":2}`,
	} {
		if !strings.Contains(out, words) {
			t.Errorf("status lacks %s: %s", words, out)
		}
	}
}

// SIGHUP reads the file again; a wrong one changes nothing.
func TestReloadWhileReportsCome(t *testing.T) {
	s := newStage(t)
	config := filepath.Join(filepath.Dir(s.sockets), "agent.yaml")
	write := func(text string) { check.Must(t, os.WriteFile(config, []byte(text), 0o600)) }
	write("group: 4000\n")
	a := s.start(t, "--config", config)
	const allowed = "datagram: sent\nhttp: stored 1\n"
	if got := asUser(t, 4001, 4000, s.sockets); got == allowed {
		t.Error("a user that is not listed may report")
	}
	write("callers:\n  - users: [4001]\n")
	check.Must(t, a.Process.Signal(syscall.SIGHUP))
	check.Eventually(t, patience, "the new configuration is in force", func() bool { return asUser(t, 4001, 4000, s.sockets) == allowed })
	write("callers: nonsense\n")
	check.Must(t, a.Process.Signal(syscall.SIGHUP))
	check.Eventually(t, patience, "the agent complains", func() bool {
		_, out, _ := s.run(t, "status", "-o", "json")
		return strings.Contains(out, `"pid"`)
	})
	if got := asUser(t, 4001, 4000, s.sockets); got != allowed {
		t.Errorf("after a wrong configuration: %q", got)
	}
	check.Must(t, a.Stop())
	if !strings.Contains(a.Said(), "the configuration stays as it was") {
		t.Errorf("the agent said %s", a.Said())
	}
}
