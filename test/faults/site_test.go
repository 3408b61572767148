// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 30 * time.Second

// keptPaths are stored before the fault and must be there after it.
const keptPaths = 1000

// site is a machine at work: tcpresume is up, paths are stored, connections run.
type site struct {
	*lab.Lab
	Cgroup  *lab.Cgroup
	Options loader.Options
	sockets string
	load    *traffic
	kept    map[netip.Addr]pathstore.Entry
	empty   []string // what is in the bpffs while nothing is loaded
	pins    []string
	held    held
	row     row
}

var number atomic.Int32

// newSite starts it all and, when the test ends, takes it down, looks for what
// is left, and adds a row to the table.
func newSite(t *testing.T, fault string, maxPaths uint32) *site {
	t.Helper()
	cgroup, err := lab.NewCgroup(fmt.Sprintf("faults-%d", number.Add(1)))
	check.Must(t, err)
	s := &site{Cgroup: cgroup, Options: loader.Options{Cgroup: cgroup.Path(), MaxPaths: maxPaths}, row: row{Fault: fault}}
	s.empty = pinned(t)
	dir, err := os.MkdirTemp("", "tcpresume-faults-") // shorter than t.TempDir, as the names of sockets must be
	check.Must(t, err)
	s.sockets = filepath.Join(dir, "run")
	t.Cleanup(func() {
		s.leave(t)
		check.Must(t, os.RemoveAll(dir))
	})
	s.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	s.up(t)
	s.fill(t, keptPaths)
	s.load = startTraffic(t, s)
	return s
}

// up loads, and takes what is there now for what must stay.
func (s *site) up(t *testing.T) {
	t.Helper()
	runtime, err := loader.Up(check.Background(t), s.Options)
	check.Must(t, err)
	check.Must(t, runtime.Close())
	s.pins, s.held = pinned(t), s.nowHeld(t)
}

func (s *site) open(t testing.TB) *pathstore.Store {
	t.Helper()
	store, err := pathstore.Open(loader.MapsDir(loader.DefaultPins))
	check.Must(t, err)
	return store
}

// fill stores the windows of the load and n paths of others.
func (s *site) fill(t testing.TB, n int) {
	t.Helper()
	store := s.open(t)
	defer store.Close()
	policy := resume.DefaultPolicy()
	policy.Mode, policy.Sharing, policy.Learn = resume.ModeExact, resume.SharingShared, false
	check.Must(t, store.SetPolicy(pathstore.Rule{Policy: policy}))
	for _, peer := range loopbacks {
		_, err := store.Put(stored(peer))
		check.Must(t, err)
	}
	s.kept = make(map[netip.Addr]pathstore.Entry)
	for i := range n {
		entry, err := store.Put(stored(peerOf(i)))
		check.Must(t, err)
		s.kept[entry.Peer] = aged(entry)
	}
	s.row.Paths = len(s.kept)
}

// check is made after every fault that leaves tcpresume up.
func (s *site) check(t testing.TB) {
	t.Helper()
	s.row.Lost += s.lost(t)
	if extra := beyond(pinned(t), s.pins); len(extra) > 0 {
		s.row.Pins += len(extra)
		t.Errorf("stray pins: %v", extra)
	}
	if extra := beyond(s.nowHeld(t).links, s.held.links); len(extra) > 0 {
		s.row.Links += len(extra)
		t.Errorf("stray links: %v", extra)
	}
	s.resumes(t)
}

// lost is missing, where none may be.
func (s *site) lost(t testing.TB) int {
	t.Helper()
	lost := s.missing(t)
	if lost > 0 {
		t.Errorf("%d of %d paths are not as they were", lost, len(s.kept))
	}
	return lost
}

// missing counts the kept paths that are not as they were.
func (s *site) missing(t testing.TB) int {
	t.Helper()
	return s.missingIn(t, loader.MapsDir(loader.DefaultPins))
}

func (s *site) missingIn(t testing.TB, maps string) int {
	t.Helper()
	store, err := pathstore.Open(maps)
	check.Must(t, err)
	defer store.Close()
	found := make(map[netip.Addr]pathstore.Entry)
	for entry, err := range store.Entries() {
		check.Must(t, err)
		found[entry.Peer] = aged(entry)
	}
	lost := 0
	for peer, want := range s.kept {
		if found[peer] != want {
			if lost++; lost == 1 {
				t.Logf("path of %s: got %+v\n  want %+v", peer, found[peer], want)
			}
		}
	}
	return lost
}

// resumes waits until connections go on resuming, all the load's kinds of them.
func (s *site) resumes(t testing.TB) {
	t.Helper()
	store := s.open(t)
	defer store.Close()
	goal := counter(t, store, "resumed") + uint64(len(s.load.ports))
	check.Eventually(t, patience, "new connections resume", func() bool { return counter(t, store, "resumed") >= goal })
}

// leave ends the load, takes everything down and counts what is left.
func (s *site) leave(t *testing.T) {
	var harmed []string
	if s.load != nil {
		var opened int
		opened, harmed = s.load.stop()
		s.row.Connections += opened
		s.row.Harmed += len(harmed)
	}
	if len(harmed) > 0 {
		t.Errorf("%d connections were harmed, first: %s", len(harmed), harmed[0])
	}
	for end := time.Now().Add(patience); s.Lab != nil && s.tcpSockets(t) > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond) // one that closes would wait minutes for answers in a host that is gone
	}
	if _, err := loader.Down(context.Background(), s.Options); err != nil && !errors.Is(err, pathstore.ErrNotLoaded) {
		t.Error(err)
	}
	if s.Lab != nil {
		if err := s.Lab.Close(); err != nil {
			t.Error(err)
		}
	}
	left := beyond(pinned(t), s.empty)
	s.row.Pins += len(left)
	if len(left) > 0 {
		t.Errorf("pins left behind: %v", left)
	}
	var links []string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) { // the kernel frees behind our back
		if links = s.held.left(t); len(links) == 0 && !registered(t) {
			break
		}
	}
	s.row.Links += len(links)
	if len(links) > 0 || registered(t) {
		t.Errorf("left in the kernel: %v", links)
	}
	if err := s.Cgroup.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	rows = append(rows, s.row)
}

// tcpSockets counts those in the host, both ends of each connection.
func (s *site) tcpSockets(t testing.TB) (n int) {
	t.Helper()
	check.Must(t, s.Server.Do(func() error {
		for file, word := range map[string]string{"sockstat": "TCP: inuse ", "sockstat6": "TCP6: inuse "} {
			text, err := os.ReadFile("/proc/thread-self/net/" + file)
			if err != nil {
				return err
			}
			var inUse int
			_, rest, _ := strings.Cut(string(text), word)
			if _, err := fmt.Sscan(rest, &inUse); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			n += inUse
		}
		return nil
	}))
	return n
}

// run runs a verb and returns its exit code and what it said.
func (s *site) run(t testing.TB, args ...string) (code int, said string) {
	t.Helper()
	cmd := s.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TCPRESUME_SOCKETS="+s.sockets)
	return cmd
}

func (s *site) agent(t testing.TB, args ...string) *rig.Agent {
	t.Helper()
	a, err := rig.StartAgent(program, loader.DefaultPins, s.sockets, args...)
	check.Must(t, err)
	return a
}

// registered tells whether the kernel still has a congestion control of ours.
func registered(t testing.TB) bool {
	t.Helper()
	list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	check.Must(t, err)
	return strings.Contains(string(list), "resume_")
}
