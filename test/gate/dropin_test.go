// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/binary"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestWhenTheDropinMapsCount(t *testing.T) {
	s := newStage(t, shortPath)
	const cwnd, ssthresh = 200_000, 400_000
	resumed := resumedOnce.plus(counts{"resumed_by_dropin": 1})
	none := counts{"established": 1, "no_saved_path": 1}
	for name, c := range map[string]struct {
		rule   resume.Dropin
		values map[string]int
		want   counts
	}{
		"fallback, set":            {resume.DropinFallback, map[string]int{"CwndMap": cwnd, "SSThreshMap": ssthresh, "FallbackMap": 1}, resumed},
		"fallback, not set":        {resume.DropinFallback, map[string]int{"CwndMap": cwnd, "SSThreshMap": ssthresh}, none},
		"fallback, set to nothing": {resume.DropinFallback, map[string]int{"CwndMap": cwnd, "FallbackMap": 0}, none},
		"fallback, no window":      {resume.DropinFallback, map[string]int{"SSThreshMap": ssthresh, "FallbackMap": 1}, none},
		"always, window alone":     {resume.DropinAlways, map[string]int{"CwndMap": cwnd}, resumed},
		"never":                    {resume.DropinNever, map[string]int{"CwndMap": cwnd, "FallbackMap": 1}, none},
		"less than a segment":      {resume.DropinAlways, map[string]int{"CwndMap": 1000}, counts{"established": 1, "window_too_small": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s.clear(t)
			s.policy(t, func(p *resume.Policy) { p.Dropin = c.rule })
			dropin(t, c.values)
			p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{})
			want := cold
			if c.want["resumed"] == 1 {
				segment := mss(t, p.server)
				want.Cwnd = uint32(cwnd / segment)
				if bytes, ok := c.values["SSThreshMap"]; ok {
					want.Ssthresh = uint32(bytes / segment)
				}
			}
			check.Same(t, "windows", windowsOf(t, p.server), want)
			s.expect(t, c.want)
			p.reset(t)
			s.expect(t, closedEarly.times(c.want["resumed"]))
		})
	}
}

// The maps are the interface of programs that know nothing of tcpresume, so
// they are written the way an operator writes them.
func TestDropinMapsAreLeftAsTheyWere(t *testing.T) {
	s := newStage(t, shortPath)
	want := pathstore.Dropin{Cwnd: 146_000, Ssthresh: 292_000, Fallback: 1}
	bpftool(t, "CwndMap", uint32(want.Cwnd))
	bpftool(t, "SSThreshMap", uint32(want.Ssthresh))
	bpftool(t, "FallbackMap", want.Fallback)
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})
	for range 3 {
		p := s.dial(t, listener, lab.DialSpec{})
		segment := uint32(mss(t, p.server))
		check.Same(t, "windows", windowsOf(t, p.server), windows{146_000 / segment, 292_000 / segment})
		p.send(t, 300_000)
		p.reset(t)
		s.expect(t, resumedOnce.plus(closedOnce, counts{"resumed_by_dropin": 1, "window_sent": 1, "handed_back": 1}))
		got, err := s.Store.Dropin()
		check.Must(t, err)
		check.Same(t, "maps", got, want)
	}
}

func TestAPeersOwnEntryWinsOverTheDropinMaps(t *testing.T) {
	s := newStage(t, shortPath)
	dropin(t, map[string]int{"CwndMap": 146_000, "SSThreshMap": 292_000, "FallbackMap": 1})
	s.put(t, resume.Path{Cwnd: 90_000, Ssthresh: 110_000, Sharing: resume.SharingSingle})
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})

	own := s.dial(t, listener, lab.DialSpec{})
	segment := uint32(mss(t, own.server))
	check.Same(t, "windows by its entry", windowsOf(t, own.server), windows{90_000 / segment, 110_000 / segment})
	s.expect(t, resumedOnce)
	inUse := s.dial(t, listener, lab.DialSpec{})
	check.Same(t, "windows while it is in use", windowsOf(t, inUse.server), cold)
	s.expect(t, counts{"established": 1, "already_in_use": 1})

	own.reset(t)
	s.expect(t, closedEarly)
	spent := s.dial(t, listener, lab.DialSpec{})
	check.Same(t, "windows once it is spent", windowsOf(t, spent.server), windows{146_000 / segment, 292_000 / segment})
	s.expect(t, resumedOnce.plus(counts{"resumed_by_dropin": 1}))
}

func bpftool(t *testing.T, name string, value uint32) {
	t.Helper()
	words := func(n uint32) []string {
		text := hex.EncodeToString(binary.NativeEndian.AppendUint32(nil, n))
		return []string{text[0:2], text[2:4], text[4:6], text[6:8]}
	}
	args := append([]string{"map", "update", "pinned", filepath.Join(loader.MapsDir(loader.DefaultPins), name), "key", "hex"}, words(0)...)
	args = append(append(args, "value", "hex"), words(value)...)
	if out, err := exec.Command("bpftool", args...).CombinedOutput(); err != nil {
		t.Fatalf("bpftool %s: %v %s", strings.Join(args, " "), err, out)
	}
}
