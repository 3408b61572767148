// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

// Whatever "up" would be refused for, the doctor says before.
func TestTheDoctorKnowsWhatUpRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, w *world)
		check   string
		words   string
	}{
		"an exclusive program": {func(t *testing.T, w *world) { attachLegacy(t, w.Cgroup, foreignProgram(t), 0) }, "sockops programs", foreignName},
		"an exclusive program above": {func(t *testing.T, w *world) {
			attachLegacy(t, w.Cgroup, foreignProgram(t), 0)
			w.Cgroup = child(t, w.Cgroup)
			w.Options.Cgroup = w.Cgroup.Path()
		}, "sockops programs", foreignName},
		"one to be overridden, on the same cgroup": {func(t *testing.T, w *world) {
			attachLegacy(t, w.Cgroup, foreignProgram(t), unix.BPF_F_ALLOW_OVERRIDE)
		}, "sockops programs", foreignName},
		"another cgroup": {func(t *testing.T, w *world) {
			w.up(t)
			w.Options.Cgroup = newCgroup(t).Path()
		}, "tcpresume", "\"tcpresume down\" first"},
		"maps of another layout": {func(t *testing.T, w *world) {
			w.up(t)
			pin := filepath.Join(loader.MapsDir(loader.DefaultPins), bytecode.KernelMapResumePaths)
			kept, err := ebpf.LoadPinnedMap(pin, nil)
			check.Must(t, err)
			defer kept.Close()
			check.Must(t, kept.Unpin())
			foreignMap(t, pin, renameField)
		}, "tcpresume", bytecode.KernelMapResumePaths},
		"a bpffs that cannot be written": {func(t *testing.T, w *world) {
			check.Must(t, unix.Mount("", "/sys/fs/bpf", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""))
			t.Cleanup(func() { check.Must(t, unix.Mount("", "/sys/fs/bpf", "", unix.MS_REMOUNT|unix.MS_BIND, "")) })
		}, "bpffs", "cannot be written"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.prepare(t, w)
			told := false
			for _, f := range loader.Diagnose(w.Options) {
				told = told || f.Check == c.check && f.Status != loader.OK && strings.Contains(f.Detail+f.Remedy, c.words)
			}
			up, err := loader.Up(check.Background(t), w.Options)
			if err == nil {
				check.Must(t, up.Close())
				t.Fatal("up is not refused")
			}
			if !told {
				t.Errorf("up is refused (%v), and the doctor says %s", err, fmt.Sprint(loader.Diagnose(w.Options)))
			}
		})
	}
}

// What does not keep it from coming up is no problem.
func TestTheDoctorDoesNotRefuse(t *testing.T) {
	w := newWorld(t)
	attachLegacy(t, w.Cgroup, foreignProgram(t), unix.BPF_F_ALLOW_MULTI)
	for range 2 {
		for _, f := range loader.Diagnose(w.Options) {
			if f.Status == loader.Problem {
				t.Errorf("the doctor has a problem: %+v", f)
			}
		}
		w.up(t)
	}
}
