// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/test/check"
)

// bpfman unloads under live connections and loads again: traffic and stored
// paths survive, and status says at each step what is what.
func TestUnloadedWhileAttachedAndLoadedAgain(t *testing.T) {
	m := newMachine(t)
	image := m.push(t)
	first := m.load(t, image, watch)[watch]
	m.up(t)
	m.put(t, mapsOf(first), "100000")
	old := m.connect(t, false)
	check.Same(t, "before", old.start(t), old.resumed(t, 100_000))
	old.send(t, 50_000)

	m.mustBpfman(t, "unload", strconv.Itoa(int(first)))
	s := m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionUnloaded)
	check.Same(t, "stored paths", s.Paths["free"], 2)
	old.send(t, 50_000)
	p := m.connect(t, true)
	check.Same(t, "while unloaded", p.start(t), p.resumed(t, 100_000))
	has(t, "doctor", m.tcpresume(t, "doctor", "--cgroup", m.Cgroup.Path()), "unloaded: bpfman no longer has program")

	second := m.load(t, image, watch)[watch]
	s = m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionNewer)
	has(t, "next step", s.Bpfman.Next, "tcpresume up --runtime bpfman")
	m.put(t, mapsOf(second), "200000") // reaches nobody yet
	unread := m.status(t, "--maps", mapsOf(second)).Unread
	has(t, "what is said of the new maps", unread, "the pinned maps are not those of the program")
	p = m.connect(t, false)
	check.Same(t, "before moving over", p.start(t), p.resumed(t, 100_000))

	m.tcpresume(t, "put", "192.0.2.7", "--cwnd", "300000", "--mode", "exact") // into the old maps
	m.tcpresume(t, "put", m.Client.IPv6.String(), "--cwnd", "150000", "--mode", "exact", "--sharing", "single")
	holder := m.connect(t, true)
	m.up(t)
	check.Same(t, "an entry for one", m.entry(t, m.Client.IPv6), "in-use")
	abort(holder.server)
	check.Eventually(t, patience, "its holder has closed", func() bool { return m.entry(t, m.Client.IPv6) == "spent" })
	s = m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionLoaded)
	check.Same(t, "stored paths", s.Paths["free"], 2)
	check.Same(t, "counted before", s.Counters["resumed"], 4)
	p = m.connect(t, false)
	check.Same(t, "the youngest report counts", p.start(t), p.resumed(t, 200_000))
	old.send(t, 1_000_000)
	has(t, "entry of the old maps", m.tcpresume(t, "get", "192.0.2.7", "--maps", mapsOf(second)), "300000")

	m.tcpresume(t, "down")
	check.Same(t, "programs in bpfman", len(m.listed(t)), 1)
	m.unloadAll(t)
}

// The command that stays moves by itself, and stays although bpfman unloads.
func TestTheServiceFollows(t *testing.T) {
	for name, c := range map[string]struct{ policy, words, condition string }{
		"keep": {"keep", "goes on with what it holds", "resumed"},
		"down": {"down", "taken down as asked", "cold"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			image := m.push(t)
			first := m.load(t, image, watch)[watch]
			service := m.service(t, "up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--on-unload", c.policy)
			service.says(t, "companion mode: over the maps of its program "+strconv.Itoa(int(first)))
			m.put(t, mapsOf(first), "100000")
			events := m.service(t, "watch")

			m.mustBpfman(t, "unload", strconv.Itoa(int(first)))
			service.says(t, c.words)
			p := m.connect(t, false)
			if c.condition == "cold" {
				check.Same(t, "while unloaded", p.start(t), p.cold(t))
			} else {
				check.Same(t, "while unloaded", p.start(t), p.resumed(t, 100_000))
			}

			second := m.load(t, image, watch)[watch]
			service.says(t, "moved to bpfman's program "+strconv.Itoa(int(second)))
			m.put(t, mapsOf(second), "200000")
			p = m.connect(t, true)
			check.Same(t, "after", p.start(t), p.resumed(t, 200_000))
			events.says(t, "200000") // from the new ring
			service.stop(t)
			p = m.connect(t, false)
			check.Same(t, "without the service", p.start(t), p.resumed(t, 200_000))
			m.tcpresume(t, "down")
			m.unloadAll(t)
		})
	}
}

// Its bpffs unmounted, as when its container is gone: bpfman's record stays, its
// pins and the companion do not.
func TestPinsAreGone(t *testing.T) {
	m := newMachine(t)
	image := m.push(t)
	first := m.load(t, image, watch)[watch]
	m.up(t)
	m.put(t, mapsOf(first), "100000")
	check.Must(t, unix.Unmount("/run/bpfman/fs", unix.MNT_DETACH))
	s := m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionUnloaded)
	has(t, "detail", s.Bpfman.Detail, "no pins under /run/bpfman/fs")
	p := m.connect(t, false)
	check.Same(t, "connection", p.start(t), p.resumed(t, 100_000))

	// bpfman mounts a fresh one at its next command, and forgets the program that died.
	check.Same(t, "programs in bpfman", len(m.listed(t)), 0)
	check.Same(t, "condition", m.status(t).Bpfman.Condition, bpfman.ConditionUnloaded)
	a := m.try(t, "up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--detach")
	check.Same(t, "exit code", a.code, 3)
	has(t, "complaint", a.complaint, "bpfman has loaded nothing of tcpresume")
	second := m.load(t, image, watch)[watch]
	m.up(t)
	p = m.connect(t, true)
	check.Same(t, "after loading again", p.start(t), p.resumed(t, 100_000))
	check.Same(t, "maps", m.status(t).Bpfman.MapsDir, mapsOf(second))

	// The embedded runtime takes over what bpfman leaves.
	m.bpfman(t, "unload", strconv.Itoa(int(second)))
	m.tcpresume(t, "up", "--runtime", "auto", "--cgroup", m.Cgroup.Path(), "--detach")
	p = m.connect(t, false)
	check.Same(t, "on maps of its own", p.start(t), p.resumed(t, 100_000))
	if out := m.tcpresume(t, "status"); strings.Contains(out, "bpfman") {
		t.Errorf("status still speaks of bpfman:\n%s", out)
	}
	m.tcpresume(t, "down")
}

// A bpfman that cannot be asked has not unloaded anything.
func TestOutOfReachIsNotUnloaded(t *testing.T) {
	m := newMachine(t)
	first := m.load(t, m.push(t), watch)[watch]
	service := m.service(t, "up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--on-unload", "down")
	service.says(t, "companion mode: over the maps of its program "+strconv.Itoa(int(first)))
	m.put(t, mapsOf(first), "100000")
	check.Must(t, unix.Unmount("/run/bpfman/fs", unix.MNT_DETACH))
	service.says(t, "no bpffs on /run/bpfman/fs")
	p := m.connect(t, false)
	check.Same(t, "connection", p.start(t), p.resumed(t, 100_000))
	check.Same(t, "programs in bpfman", len(m.listed(t)), 0) // it mounts a bpffs, and there is nothing on it
	service.says(t, "taken down as asked")
	service.stop(t)
}
