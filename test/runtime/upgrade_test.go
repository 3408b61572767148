// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/scene"
)

// slow is a stored path whose window takes long to leave.
var slow = resume.Path{Cwnd: 1_500_000, Ssthresh: 2_000_000, RTT: time.Second} // paced at a quarter of the path's rate

func TestAnUpgradeWhileConnectionsLive(t *testing.T) {
	w := newWorld(t)
	first := w.up(t)
	check.Same(t, "upgraded", first.Upgraded, false)
	store := w.store(t, slow)
	paths := entries(t, store)
	var live []func()
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		p := w.resumes(t, cc, 1_500_000)
		live = append(live, p.start(t, 1_510_000))
		p.underWay(t)
		check.Same(t, "congestion control during the upgrade", scene.Control(t, p.server), "resume_"+cc)
	}

	second := w.up(t)
	check.Same(t, "upgraded", second.Upgraded, true)
	if second.State().Program.ID == first.State().Program.ID {
		t.Errorf("program %d is still attached", first.State().Program.ID)
	}
	changing := []cmp.Option{cmpopts.IgnoreFields(loader.Program{}, "ID", "Age"), cmpopts.IgnoreFields(loader.State{}, "MapBytes")}
	if diff := cmp.Diff(first.State(), second.State(), changing...); diff != "" {
		t.Errorf("state (-first +second):\n%s", diff)
	}
	for _, wait := range live {
		wait()
	}
	counted(t, store, map[string]uint64{"established": 3, "resumed": 3, "applied": 3, "kept_bbr": 1, "window_sent": 3, "pipe_full": 1, "handed_back": 2})
	check.Same(t, "paths", entries(t, store), paths)
	_, err := store.Flush() // a slow machine may have lost packets, which halves what the next may use
	check.Must(t, err)
	w.store(t, slow)
	w.resumes(t, "cubic", 1_500_000)
	counted(t, store, map[string]uint64{"established": 4, "resumed": 4, "applied": 4, "kept_bbr": 1, "window_sent": 3, "pipe_full": 1, "handed_back": 2})
}

func TestAnUpgradeDoesNotMove(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	before := w.inspect(t)
	other := newCgroup(t)
	_, err := loader.Up(check.Background(t), loader.Options{Cgroup: other.Path()})
	if err == nil || !strings.Contains(err.Error(), w.Cgroup.Path()) || !strings.Contains(err.Error(), other.Path()) {
		t.Errorf("got %v, want an error that names both cgroups", err)
	}
	check.Same(t, "program", w.inspect(t).Program.ID, before.Program.ID)

	moved, err := loader.Up(check.Background(t), loader.Options{})
	check.Must(t, err)
	check.Must(t, moved.Close())
	check.Same(t, "cgroup where none was named", moved.State().Cgroup, w.Cgroup.Path())
}

func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	for _, already := range []string{"not loaded", "loaded"} {
		var (
			both     sync.WaitGroup
			runtimes [2]*loader.Runtime
			errs     [2]error
		)
		for i := range runtimes {
			both.Go(func() { runtimes[i], errs[i] = loader.Up(check.Background(t), w.Options) })
		}
		both.Wait()
		winner := slices.IndexFunc(errs[:], func(err error) bool { return err == nil })
		if winner < 0 || !errors.Is(errs[1-winner], loader.ErrBusy) {
			t.Fatalf("%s: got %v, want one success and one %v", already, errs, loader.ErrBusy)
		}
		if _, err := loader.Down(check.Background(t), w.Options); !errors.Is(err, loader.ErrBusy) {
			t.Errorf("%s: down beside up got %v, want %v", already, err, loader.ErrBusy)
		}
		check.Must(t, runtimes[winner].Close())
		w.store(t, resume.Path{Cwnd: 100_000})
		w.resumes(t, "cubic", 100_000)
	}
}

func entries(t *testing.T, store *pathstore.Store) map[string]resume.Path {
	t.Helper()
	all := make(map[string]resume.Path)
	for entry, err := range store.Entries() {
		check.Must(t, err)
		entry.TTL = 0 // runs down
		all[entry.Peer.String()] = entry.Path
	}
	return all
}
