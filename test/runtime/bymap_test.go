// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Kernels before 6.4 register congestion controls when the map is written, and
// keep them until it is emptied. This kernel still can.

func TestRegistrationByMap(t *testing.T) {
	w := newWorld(t)
	w.Options.ByMap = true
	first := w.up(t)
	check.Same(t, "wrappers", wrappers(first.State()), "resume_cubic by map, resume_reno by map, resume_bbr by map")
	store := w.store(t, slow)
	inhabit(t, w.Server)
	var (
		idle []pair
		live []func()
	)
	for _, cc := range controls {
		idle = append(idle, w.resumes(t, cc, 1_500_000))
		busy := w.resumes(t, cc, 1_500_000)
		live = append(live, busy.start(t, 600_000))
		busy.underWay(t)
	}
	before := registered(t)

	check.Same(t, "upgraded", w.up(t).Upgraded, true)
	check.Same(t, "wrappers after an upgrade", wrappers(w.inspect(t)), wrappers(first.State()))
	for name, id := range registered(t) {
		if id == before[name] {
			t.Errorf("%s is still map %d", name, id)
		}
	}
	for _, wait := range live {
		wait()
	}
	_, err := store.Flush() // a slow machine may have lost packets, which halves what the next may use
	check.Must(t, err)
	w.store(t, slow)
	for _, cc := range controls {
		idle = append(idle, w.resumes(t, cc, 1_500_000))
	}

	w.down(t)
	w.unregistered(t)
	for i, p := range idle {
		check.Same(t, "congestion control", scene.Control(t, p.server), controls[i%len(controls)])
	}
	counted(t, store, map[string]uint64{"established": 9, "resumed": 9, "applied": 9, "kept_bbr": 3, "draining": 9, "handed_back": 9})
}

// Between loading, which registers, and pinning, a crash leaves a congestion
// control that nothing names and that outlives everything.
func TestAStrayRegistrationIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.Options.ByMap = true
	gone := stray(t)
	gone() // its map lives on, as one does that sockets use
	stray(t)
	w.up(t)
	w.store(t, slow)
	w.resumes(t, "reno", 1_500_000)
}

// A link cannot replace it, so who took the name is told.
func TestAStrayRegistrationIsNamed(t *testing.T) {
	w := newWorld(t)
	remove := stray(t)
	before := pins(t)
	_, err := loader.Up(check.Background(t), w.Options)
	if err == nil || !strings.Contains(err.Error(), "unregister id ") {
		t.Errorf("got %v, want an error that names the map", err)
	}
	check.Same(t, "pins", pins(t), before)
	remove()
	w.up(t)
}

// The kernel gives a name up some time after Down removed the last pin of it.
func TestANameThatIsBeingGivenUpIsAwaited(t *testing.T) {
	w := newWorld(t)
	remove := stray(t)
	go func() {
		time.Sleep(300 * time.Millisecond)
		remove()
	}()
	check.Same(t, "wrappers", strings.Count(wrappers(w.up(t).State()), "resume_"), 3)
}

// stray registers a wrapper as a crashed process would have; remove takes it away.
func stray(t *testing.T) (remove func()) {
	t.Helper()
	const byLink = 1 << 13 // BPF_F_LINK
	spec, err := rig.RenoAnywhere()
	check.Must(t, err)
	spec.Maps[bytecode.RenoMapResumeReno].Flags &^= byLink
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	m := coll.DetachMap(bytecode.RenoMapResumeReno)
	coll.Close()
	remove = func() { _ = m.Delete(uint32(0)) }
	t.Cleanup(func() {
		remove()
		m.Close()
	})
	return remove
}

func wrappers(state loader.State) string {
	var texts []string
	for _, w := range state.Wrappers {
		if w.Registered {
			texts = append(texts, w.Name+" by "+w.By)
		}
	}
	return strings.Join(texts, ", ")
}

// registered are the maps of the wrappers, the latest of each name.
func registered(t *testing.T) map[string]ebpf.MapID {
	t.Helper()
	found := make(map[string]ebpf.MapID)
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if err != nil {
			return found
		}
		id = next
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		if info, err := m.Info(); err == nil && m.Type() == ebpf.StructOpsMap {
			found[info.Name] = id
		}
		m.Close()
	}
}
