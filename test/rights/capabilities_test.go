// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// need is what root, which owns the pins, needs beside that.
type need struct {
	verb         string // as docs/security.md names it
	args         string
	loaded       bool   // something is up before
	capabilities string // of setpriv; empty: none at all
	without      int    // exit code without them
}

const (
	none      = ""
	sysAdmin  = "sys_admin"
	exitOK    = 0
	exitError = 1
	exitRight = 5
)

var needs = []need{
	{"up", "up --detach --cgroup CGROUP", false, sysAdmin, exitRight},
	{"up (upgrade)", "up --detach", true, sysAdmin, exitRight},
	{"down", "down", true, sysAdmin, exitRight},
	{"doctor", "doctor", true, sysAdmin, exitError},
	{"status", "status", true, sysAdmin, exitOK}, // says that it cannot see the programs, and the rest
	{"put", "put 203.0.113.7 --cwnd 300000", true, none, exitOK},
	{"get", "get 203.0.113.7", true, none, exitOK},
	{"list", "list", true, none, exitOK},
	{"dump", "dump", true, none, exitOK},
	{"load", "load -", true, none, exitOK},
	{"delete", "delete 203.0.113.7", true, none, exitOK},
	{"flush", "flush", true, none, exitOK},
	{"policy set", "policy set 203.0.113.0/24 --mode off", true, none, exitOK},
	{"policy list", "policy list", true, none, exitOK},
	{"watch", "watch --for 100ms", true, none, exitOK},
	{"ask allow", "ask allow CGROUP", true, sysAdmin, exitRight},
	{"ask list", "ask list", true, sysAdmin, exitRight},
	{"ask deny", "ask deny CGROUP", true, sysAdmin, exitRight},
}

type stage struct{ cgroup *lab.Cgroup }

// prepare makes the kernel what the verb is to find.
func (s *stage) prepare(t *testing.T, loaded bool) {
	t.Helper()
	options := loader.Options{Cgroup: s.cgroup.Path()}
	if _, err := loader.Down(context.Background(), options); err != nil && !errors.Is(err, pathstore.ErrNotLoaded) {
		t.Fatal(err)
	}
	if !loaded {
		return
	}
	r, err := loader.Up(context.Background(), options)
	check.Must(t, err)
	check.Must(t, r.Close())
	_, err = loader.AllowAsk(options, s.cgroup.Path(), pathstore.AskRule{Mode: resume.ModeCareful})
	check.Must(t, err)
	if out, err := exec.Command(program, "put", "203.0.113.7", "--cwnd", "300000").CombinedOutput(); err != nil {
		t.Fatalf("put: %v\n%s", err, out)
	}
}

// run runs a verb by setpriv, which takes rights away.
func (s *stage) run(t *testing.T, n need, setpriv ...string) (code int, said string) {
	t.Helper()
	args := append(setpriv, "--inh-caps=-all", "--no-new-privs", program)
	args = append(args, strings.Fields(strings.ReplaceAll(n.args, "CGROUP", s.cgroup.Path()))...)
	cmd := exec.Command("setpriv", args...)
	cmd.Env = append(os.Environ(), "TCPRESUME_SOCKETS=/nowhere")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestCapabilitiesOfEachVerb(t *testing.T) {
	cgroup, err := lab.NewCgroup("rights")
	check.Must(t, err)
	s := &stage{cgroup}
	t.Cleanup(func() {
		s.prepare(t, false)
		check.Must(t, cgroup.Remove())
	})
	for _, n := range needs {
		s.prepare(t, n.loaded)
		before := left(t)
		if n.capabilities == none {
			if code, said := s.run(t, n, "--bounding-set=-all"); code != exitOK || strings.Contains(said, "permitted") {
				t.Errorf("%s without any capability: exit %d, %s", n.verb, code, said)
			}
		} else {
			code, said := s.run(t, n, "--bounding-set=-"+n.capabilities)
			if code != n.without || !strings.Contains(said, "CAP_SYS_ADMIN") {
				t.Errorf("%s with all capabilities but %s: exit %d, %s", n.verb, n.capabilities, code, said)
			}
			if n.verb != "down" { // which goes on over what fails
				if diff := cmp.Diff(before, left(t)); diff != "" {
					t.Errorf("%s without %s changed (-before +after):\n%s", n.verb, n.capabilities, diff)
				}
			}
			s.prepare(t, n.loaded)
			if code, said := s.run(t, n, "--bounding-set=-all,+"+n.capabilities); code != exitOK || strings.Contains(said, "permitted") {
				t.Errorf("%s with %s alone: exit %d, %s", n.verb, n.capabilities, code, said)
			}
		}
		s.prepare(t, n.loaded)
		before = left(t)
		if code, said := s.run(t, n, "--bounding-set=-all", "--reuid=65534", "--regid=65534", "--clear-groups"); n.verb != "doctor" && (code != exitRight || !strings.Contains(said, "run as root")) {
			t.Errorf("%s as nobody: exit %d, %s", n.verb, code, said)
		}
		if diff := cmp.Diff(before, left(t)); diff != "" {
			t.Errorf("%s as nobody changed (-before +after):\n%s", n.verb, diff)
		}
	}
}

// left is what is pinned, and the program that is attached.
func left(t *testing.T) (all []string) {
	t.Helper()
	check.Must(t, filepath.WalkDir("/sys/fs/bpf", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	state, err := loader.Inspect(loader.Options{})
	if err == nil {
		all = append(all, state.Program.Tag)
	}
	return all
}

// The page says what the test holds.
func TestThePageSaysSo(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	check.Must(t, err)
	for _, n := range needs {
		want := "none"
		if n.capabilities != none {
			want = "CAP_" + strings.ToUpper(n.capabilities)
		}
		found := false
		for line := range strings.Lines(string(page)) {
			cells := strings.Split(line, "|")
			found = found || len(cells) > 2 && strings.Contains(cells[1], "`"+n.verb+"`") && strings.HasPrefix(strings.TrimSpace(cells[2]), want)
		}
		if !found {
			t.Errorf("docs/security.md has no row that gives `%s` %s", n.verb, want)
		}
	}
}
