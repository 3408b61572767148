// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newCgroup(t *testing.T, name string) *Cgroup {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("cgroups need root")
	}
	if err := SweepStale(); err != nil {
		t.Fatal(err)
	}
	c, err := NewCgroup(name)
	if errors.Is(err, errNoCgroup2) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// socketTable lists the host's TCP sockets with their cgroups.
func socketTable(t *testing.T, h *Host) string {
	t.Helper()
	ss, err := exec.LookPath("ss")
	if err != nil {
		t.Skip("ss (iproute2) tells the cgroup of a socket")
	}
	var table []byte
	err = h.Do(func() error {
		var err error
		table, err = exec.Command(ss, "-tanH", "--cgroup").CombinedOutput()
		return err
	})
	if err != nil {
		t.Fatalf("%v: %s", err, table)
	}
	return string(table)
}

func TestAcceptedSocketStaysInTheListenersCgroup(t *testing.T) {
	cgroup := newCgroup(t, "accept")
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
	home, err := currentCgroup()
	if err != nil {
		t.Fatal(err)
	}
	connect(t, l, ListenSpec{Cgroup: cgroup}, DialSpec{})

	if now, err := currentCgroup(); err != nil || now != home {
		t.Errorf("process is in %s, was in %s: %v", now, home, err)
	}
	name := filepath.Base(cgroup.Path())
	if table := socketTable(t, l.Server); !strings.Contains(table, "cgroup:/"+name) {
		t.Errorf("server has no socket in cgroup %s:\n%s", name, table)
	}
	if table := socketTable(t, l.Client); strings.Contains(table, name) {
		t.Errorf("client has a socket in the server's cgroup %s:\n%s", name, table)
	}
}

func TestRunMovesBackAfterFailure(t *testing.T) {
	cgroup := newCgroup(t, "failure")
	home, err := currentCgroup()
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("failure")
	var inside string
	err = cgroup.Run(func() error {
		inside, _ = currentCgroup()
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if inside != cgroup.Path() {
		t.Errorf("ran in %s, want %s", inside, cgroup.Path())
	}
	if now, err := currentCgroup(); err != nil || now != home {
		t.Errorf("process is in %s, was in %s: %v", now, home, err)
	}
}

func TestSweepTakesLeftoversOnly(t *testing.T) {
	used := newCgroup(t, "used")
	stale := filepath.Join(filepath.Dir(used.Path()), cgroupPrefix+"stale")
	if err := os.MkdirAll(filepath.Join(stale, "child"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := SweepStale(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stale cgroup is still there: %v", err)
	}
	if _, err := os.Stat(used.Path()); err != nil {
		t.Errorf("cgroup in use is gone: %v", err)
	}
}

func TestCgroup2MountIsFound(t *testing.T) {
	const table = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
40 31 0:37 /part /elsewhere rw,relatime - cgroup2 cgroup2 rw
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw
`
	got, ok := cgroup2Mount([]byte(table))
	if !ok || got != "/sys/fs/cgroup/unified" {
		t.Errorf("got %q, %v", got, ok)
	}
}
