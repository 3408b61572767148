// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

func TestWhatFailsLeavesNothing(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "file")
	check.Must(t, os.WriteFile(plain, nil, 0o600))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		options loader.Options
		want    string
	}{
		"cgroup is a file":       {options: loader.Options{Cgroup: plain}, want: "not on cgroup v2"},
		"cgroup is no cgroup":    {options: loader.Options{Cgroup: t.TempDir()}, want: "not on cgroup v2"},
		"cgroup is not there":    {options: loader.Options{Cgroup: plain + "/none"}, want: "not a directory"},
		"pins are not on bpffs":  {options: loader.Options{Pins: t.TempDir() + "/pins"}, want: "not on a bpffs"},
		"given up before it ran": {ctx: ended, want: context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.options == (loader.Options{}) {
				c.options = w.Options
			}
			if c.ctx == nil {
				c.ctx = check.Background(t)
			}
			before := pins(t)
			_, err := loader.Up(c.ctx, c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			check.Same(t, "pins", pins(t), before)
			w.unregistered(t)
			w.up(t)
		})
	}
}

func TestWhatFailsLeavesWhatRuns(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	w.store(t, resume.Path{Cwnd: 100_000})
	before, beforePins := w.inspect(t), pins(t)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := loader.Up(ended, w.Options); err == nil {
		t.Error("an upgrade went on although it was given up")
	}
	check.Same(t, "pins", pins(t), beforePins)
	check.Same(t, "program", w.inspect(t).Program.ID, before.Program.ID)
	w.resumes(t, "cubic", 100_000)
}

// Congestion controls are one name space of the kernel, wherever they are pinned.
func TestASecondPlaceIsRefused(t *testing.T) {
	for name, byMap := range map[string]bool{"registered as this kernel can": false, "registered by map": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Options.ByMap = byMap
			w.up(t)
			w.store(t, resume.Path{Cwnd: 100_000})
			before := pins(t)
			second := loader.Options{Pins: loader.DefaultPins + "-2", Cgroup: newCgroup(t).Path(), ByMap: byMap}
			t.Cleanup(func() { _, _ = loader.Down(context.Background(), second) })
			_, err := loader.Up(check.Background(t), second)
			if err == nil || !strings.Contains(err.Error(), "another tcpresume is up under other pins") {
				t.Errorf("got %v, want an error that says who has the names", err)
			}
			check.Same(t, "pins", pins(t), before)
			w.resumes(t, "cubic", 100_000)
		})
	}
}

// A load that was cut off by a crash is finished by the next one.
func TestWhatACrashLeftIsFinished(t *testing.T) {
	for name, lost := range map[string][]string{
		"some maps only":                  {"links/*", "wrappers/*", "maps/resume_p*", "maps/CwndMap"},
		"maps only":                       {"links/*", "wrappers/*"},
		"no program":                      {"links/sockops"},
		"a control's link, not its map":   {"links/sockops", "wrappers/resume_cubic"},
		"a control's map, not its link":   {"links/sockops", "links/resume_cubic"},
		"while a control was replaced":    {"wrappers/resume_reno"},
		"controls and maps, no directory": {"links/*", "wrappers/*", "links", "wrappers"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.up(t)
			for _, pattern := range lost {
				found, err := filepath.Glob(filepath.Join(loader.DefaultPins, pattern))
				check.Must(t, err)
				for _, pin := range found {
					check.Must(t, os.Remove(pin))
				}
			}
			w.up(t)
			w.store(t, resume.Path{Cwnd: 100_000})
			for _, cc := range []string{"cubic", "reno", "bbr"} {
				w.resumes(t, cc, 100_000)
			}
			for _, wrapper := range w.inspect(t).Wrappers {
				check.Same(t, "wrapper", wrapper, loader.Wrapper{Name: wrapper.Name, CC: wrapper.CC, Registered: true, By: by()})
			}
		})
	}
}

func TestAForeignMapIsNotTouched(t *testing.T) {
	for name, change := range map[string]func(*ebpf.MapSpec){
		"of another kind":  func(m *ebpf.MapSpec) { m.Type = ebpf.Hash },
		"of another size":  func(m *ebpf.MapSpec) { m.ValueSize += 8; m.Value = nil },
		"of other fields":  renameField,
		"of fields moved":  swapFields,
		"of another key":   func(m *ebpf.MapSpec) { m.KeySize += 8; m.Key = nil },
		"of a fixed value": func(m *ebpf.MapSpec) { m.Flags ^= 1 << 1 }, // BPF_F_NO_COMMON_LRU
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pin := filepath.Join(loader.MapsDir(loader.DefaultPins), bytecode.KernelMapResumePaths)
			check.Must(t, os.MkdirAll(filepath.Dir(pin), 0o700))
			t.Cleanup(func() { _ = os.Remove(filepath.Dir(pin)); _ = os.Remove(loader.DefaultPins) })
			foreignMap(t, pin, change)
			before := pins(t)
			_, err := loader.Up(check.Background(t), w.Options)
			foreignLayout(t, err)
			check.Same(t, "pins", pins(t), before)
			w.unregistered(t)
			check.Must(t, os.Remove(pin))
		})
	}
}
