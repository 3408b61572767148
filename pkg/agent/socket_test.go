// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func dial(t *testing.T, dir string) *net.UnixConn {
	t.Helper()
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: filepath.Join(dir, resume.ReportSocket), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDatagrams(t *testing.T) {
	store := newMemory()
	a, dir := serving(t, Options{Paths: store})
	c := dial(t, dir)
	send := func(text string) {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	send(lineOf(nil))
	send("")
	send(strings.Repeat("x", resume.MaxReport+1))
	send(strings.Repeat("x", 100_000))
	send(lineOf(of("two", 300_000, at("2001:db8::9"))))
	eventually(t, "all are taken", func() bool {
		total := uint64(0)
		for _, n := range a.Counts() {
			total += n.Reports
		}
		return total == 5
	})
	uid := int64(me().UID)
	if got := a.Counts(); len(got) != 2 || got[0] != (Counted{Count{uid, Stored, ""}, 2}) || got[1] != (Counted{Count{uid, Refused, ReasonMalformed}, 3}) {
		t.Errorf("got %+v", got)
	}
	if store.len() != 2 {
		t.Errorf("%d paths are stored, want 2", store.len())
	}
}

// A sender that passes files must not fill the agent's table of them.
func TestFilesInDatagramsAreDropped(t *testing.T) {
	a, dir := serving(t, Options{Paths: newMemory()})
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "sender"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	to := &net.UnixAddr{Name: filepath.Join(dir, resume.ReportSocket), Net: "unixgram"}
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	for range 50 {
		if _, _, err := c.WriteMsgUnix([]byte(lineOf(nil)), unix.UnixRights(0, 1, 2), to); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all are taken", func() bool {
		counts := a.Counts()
		return len(counts) == 1 && counts[0].Reports == 50
	})
	if after := count(); after > before {
		t.Errorf("%d files are open, %d were before", after, before)
	}
}

func TestSocketsAreTheOperators(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	s, err := Listen(dir, os.Getegid())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{
		dir: fs.ModeDir | 0o750, filepath.Join(dir, "report"): fs.ModeSocket | 0o660, filepath.Join(dir, "api.sock"): fs.ModeSocket | 0o660,
	} {
		if info, err := os.Lstat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if _, err := Listen(dir, -1); !errors.Is(err, ErrServed) {
		t.Errorf("a second one beside it: %v, want %v", err, ErrServed)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 || filepath.Base(left[0]) != lockFile {
		t.Errorf("left behind: %v", left)
	}
}

func TestSocketsOfADeadAgentAreTakenOver(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{resume.ReportSocket, resume.APISocket} {
		c, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		c.SetUnlinkOnClose(false)
		c.Close()
	}
	s, err := Listen(dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Queue() <= 0 {
		t.Errorf("the queue holds %d", s.Queue())
	}
}

func TestWhatIsNoSocketStays(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, resume.ReportSocket)
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir, -1); err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(name); err != nil || string(text) != "mine" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

// What was sent before the end is taken before the end.
func TestStoppingTakesWhatWaits(t *testing.T) {
	dir := t.TempDir()
	store := newMemory()
	a := New(Options{Config: DefaultConfig(), Paths: store})
	sockets, err := Listen(dir, -1)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, dir)
	for range 8 {
		if _, err := c.Write([]byte(lineOf(nil))); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := a.Serve(ctx, sockets); err != nil {
		t.Error(err)
	}
	if got := a.Counts(); len(got) != 1 || got[0].Reports != 8 {
		t.Errorf("got %+v, want all 8", got)
	}
	if _, err := os.Lstat(filepath.Join(dir, resume.ReportSocket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}
