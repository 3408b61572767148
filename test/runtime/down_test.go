// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
	"github.com/tcpresume/tcpresume/test/scene"
)

var controls = []string{"cubic", "reno", "bbr"}

func TestDownGivesEverySocketItsOwnControlBack(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	store := w.store(t, slow)
	type socket struct {
		pair
		cc   string
		busy bool
	}
	var (
		all  []socket
		live []func()
	)
	for _, ends := range [][2]*lab.Host{{w.Server, w.Client}, {w.Client, w.Server}} {
		inhabit(t, ends[0])
		for _, cc := range controls {
			idle := w.connectTo(t, ends[0], ends[1], w.Cgroup, cc)
			busy := w.connectTo(t, ends[0], ends[1], w.Cgroup, cc)
			live = append(live, busy.start(t, 600_000))
			busy.underWay(t)
			all = append(all, socket{idle, cc, false}, socket{busy, cc, true})
		}
	}
	for _, s := range all {
		if got := scene.Control(t, s.server); got != "resume_"+s.cc && !(s.busy && got == s.cc) { // a transfer may be through with it
			t.Errorf("congestion control before: %s, want resume_%s", got, s.cc)
		}
	}

	removal := w.down(t)
	for _, s := range all {
		check.Same(t, "congestion control", scene.Control(t, s.server), s.cc)
	}
	w.unregistered(t)
	if removal.HandedBack < len(all)/2 || removal.HandedBack > len(all) {
		t.Errorf("%d sockets were handed back, want all %d but those that did it themselves", removal.HandedBack, len(all))
	}
	for _, wait := range live {
		wait()
	}
	n := uint64(len(all))
	counted(t, store, map[string]uint64{"established": n, "resumed": n, "applied": n, "kept_bbr": n / 3, "draining": n, "handed_back": n})
}

// A namespace in which nobody lives cannot be found; its sockets go back by themselves.
func TestSocketsOutOfReachGoBackAtTheirNextAck(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	store := w.store(t, slow)
	var idle []pair
	for _, cc := range controls {
		idle = append(idle, w.resumes(t, cc, 1_500_000))
	}
	check.Same(t, "sockets reached", w.down(t).HandedBack, 0)
	w.unregistered(t)
	for i, cc := range controls {
		check.Same(t, "congestion control before an ACK", scene.Control(t, idle[i].server), "resume_"+cc)
		idle[i].start(t, 1000)()
		check.Eventually(t, patience, "own congestion control", func() bool { return scene.Control(t, idle[i].server) == cc })
		idle[i].start(t, 100_000)()
	}
	counted(t, store, map[string]uint64{"established": 3, "resumed": 3, "applied": 3, "kept_bbr": 1, "draining": 3, "handed_back": 3})
}

// In a pod other processes, and with them their namespaces, are out of sight: what
// was not reached is said.
func TestDownInAPIDNamespaceSaysWhatItDidNotReach(t *testing.T) {
	program, err := rig.BuildProgram(t.TempDir())
	check.Must(t, err)
	w := newWorld(t)
	w.up(t)
	w.store(t, slow)
	inhabit(t, w.Server)
	idle := w.resumes(t, "cubic", 1_500_000)
	out, err := exec.Command("unshare", "--net", "--pid", "--fork", "--mount-proc", program, "down", "-o", "json").Output()
	check.Must(t, err)
	var removal loader.Removal
	check.Must(t, json.Unmarshal(out, &removal))
	if control := scene.Control(t, idle.server); control != "resume_cubic" || removal.HandedBack != 0 {
		t.Fatalf("the socket has %s, %d were handed back: it was reached", control, removal.HandedBack)
	}
	if text := strings.Join(removal.Notes, "\n"); !strings.Contains(text, "PID namespace") || !strings.Contains(text, "hostPID") {
		t.Errorf("down says %q", removal.Notes)
	}
}

func TestDownTwice(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		before := pins(t)
		w.up(t)
		w.down(t)
		check.Same(t, "pins", pins(t), before)
		if _, err := loader.Down(check.Background(t), w.Options); !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Errorf("a second time got %v, want %v", err, pathstore.ErrNotLoaded)
		}
		if _, err := loader.Inspect(w.Options); !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Errorf("inspect got %v, want %v", err, pathstore.ErrNotLoaded)
		}
	}
}

// inhabit keeps a thread in the host, as the process of a container would be.
func inhabit(t *testing.T, host *lab.Host) {
	t.Helper()
	entered, leave, left := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		left <- host.Do(func() error {
			close(entered)
			<-leave
			return nil
		})
	}()
	<-entered
	t.Cleanup(func() {
		close(leave)
		check.Must(t, <-left)
	})
}
