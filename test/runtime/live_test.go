// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/ask"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/scene"
)

var known = resume.Path{Cwnd: 250_000, RTT: 20 * time.Millisecond}

// idle makes a connection that has sent a little and waits until it counts as idle.
func (w *world) idle(t *testing.T, cc string) pair {
	t.Helper()
	p := w.connect(t, cc)
	p.start(t, 10_000)()
	check.Eventually(t, patience, "an idle connection", func() bool {
		seen := scene.Info(t, p.server)
		return seen.Unacked == 0 && time.Duration(seen.Last_data_sent)*time.Millisecond > 2*time.Duration(seen.Rto)*time.Microsecond
	})
	return p
}

func (w *world) pass(t *testing.T) (result revive.Result) {
	t.Helper()
	check.Must(t, w.Server.Do(func() (err error) {
		result, err = revive.Here(loader.LiveLink(w.Options.Pins))
		return err
	}))
	return result
}

func TestDownWithRevivedConnections(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	var all []pair
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		all = append(all, w.idle(t, cc))
	}
	w.store(t, known)
	check.Same(t, "verdicts", w.pass(t).Verdicts, map[string]int{"resumed": 3})
	w.down(t)
	err := w.Server.Do(func() error { _, err := revive.Here(loader.LiveLink(w.Options.Pins)); return err })
	if !errors.Is(err, pathstore.ErrNotLoaded) {
		t.Errorf("a pass afterwards: %v, want %v", err, pathstore.ErrNotLoaded)
	}
	for i, cc := range []string{"cubic", "reno", "bbr"} {
		all[i].start(t, 300_000)()
		check.Eventually(t, patience, cc+" again", func() bool { return scene.Control(t, all[i].server) == cc })
	}
}

func TestAnUpgradeKeepsPassesAndAsks(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	child, err := w.Cgroup.Child("asks")
	check.Must(t, err)
	rule := pathstore.AskRule{Mode: resume.ModeExact, MaxCwnd: 1 << 20, MaxSsthresh: 1 << 21}
	for _, path := range []string{w.Cgroup.Path(), child.Path()} {
		_, err := loader.AllowAsk(w.Options, path, rule)
		check.Must(t, err)
	}
	before, err := loader.Asks(w.Options)
	check.Must(t, err)
	check.Same(t, "allowed", len(before), 2)
	revived, asked := w.idle(t, "cubic"), w.idle(t, "cubic")

	w.up(t)
	after, err := loader.Asks(w.Options)
	check.Must(t, err)
	check.Same(t, "allowed after the upgrade", after, before)
	check.Must(t, ask.Ask(asked.server, ask.State{Cwnd: 125_000, RTT: known.RTT}))
	w.store(t, known)
	check.Same(t, "verdicts", w.pass(t).Verdicts, map[string]int{"resumed": 2}) // what was stored is news to the other one, too
	check.Same(t, "congestion control", scene.Control(t, revived.server), "resume_cubic")

	check.Must(t, child.Remove())
	w.up(t)
	left, err := loader.Asks(w.Options)
	check.Must(t, err)
	check.Same(t, "allowed without the cgroup that is gone", left, slices.DeleteFunc(before, func(a loader.Ask) bool { return a.Cgroup == child.Path() }))
	w.down(t)
	err = ask.Ask(asked.server, ask.Peer{})
	if !errors.Is(err, unix.ENOPROTOOPT) {
		t.Errorf("an ask afterwards: %v, want %v", err, unix.ENOPROTOOPT)
	}
}

func TestWhoMayBeAllowed(t *testing.T) {
	w := newWorld(t)
	rule := pathstore.AskRule{Mode: resume.ModeCareful}
	_, err := loader.AllowAsk(w.Options, w.Cgroup.Path(), rule)
	if !errors.Is(err, pathstore.ErrNotLoaded) {
		t.Errorf("before anything is loaded: %v, want %v", err, pathstore.ErrNotLoaded)
	}
	w.up(t)
	other := newCgroup(t)
	if _, err := loader.AllowAsk(w.Options, other.Path(), rule); err == nil || !strings.Contains(err.Error(), w.Cgroup.Path()) {
		t.Errorf("another cgroup: %v, want an error that names %s", err, w.Cgroup.Path())
	}
	for _, wrong := range []string{"/", "/no/such"} {
		if _, err := loader.AllowAsk(w.Options, wrong, rule); err == nil {
			t.Errorf("%s was allowed", wrong)
		}
	}
	if _, err := loader.AllowAsk(w.Options, w.Cgroup.Path(), pathstore.AskRule{Mode: resume.ModeOff}); err == nil {
		t.Error("mode off was allowed")
	}
	none, err := loader.Asks(w.Options)
	check.Must(t, err)
	check.Same(t, "allowed after errors", len(none), 0)

	_, err = loader.AllowAsk(w.Options, w.Cgroup.Path(), rule)
	check.Must(t, err)
	tighter := pathstore.AskRule{Mode: resume.ModeCareful, MaxCwnd: 100_000}
	_, err = loader.AllowAsk(w.Options, w.Cgroup.Path(), tighter)
	check.Must(t, err)
	all, err := loader.Asks(w.Options)
	check.Must(t, err)
	check.Same(t, "replaced", all[0].AskRule, tighter)
	_, err = loader.DenyAsk(w.Options, w.Cgroup.Path())
	check.Must(t, err)
	if _, err := loader.DenyAsk(w.Options, w.Cgroup.Path()); !errors.Is(err, pathstore.ErrNotFound) {
		t.Errorf("denied twice: %v, want %v", err, pathstore.ErrNotFound)
	}
}
