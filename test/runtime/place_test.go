// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// A slash behind a directory, as shells complete it, is no part of its name.
func TestPinsBehindASlash(t *testing.T) {
	w := newWorld(t)
	w.Options.Pins = "/sys/fs/bpf/../bpf//elsewhere/"
	check.Same(t, "doctor", w.finding(t, "bpffs").Status, loader.OK)
	w.up(t)
	check.Same(t, "pins", w.inspect(t).Pins, "/sys/fs/bpf/elsewhere")
	check.Same(t, "doctor", w.finding(t, "tcpresume").Status, loader.OK)
	check.Same(t, "pins that were removed", w.down(t).Pins, "/sys/fs/bpf/elsewhere")
}

// Of several mounts of cgroup v2 the one of the whole hierarchy is taken, in
// whatever order they are; that there is none is said.
func TestTheWholeHierarchyIsTaken(t *testing.T) {
	root, err := loader.CgroupRoot()
	check.Must(t, err)
	part, other := newCgroup(t).Path(), t.TempDir()
	bind := func(from, to string) { check.Must(t, unix.Mount(from, to, "", unix.MS_BIND, "")) }
	for name, c := range map[string]struct {
		arrange func()
		want    string // empty: a part
	}{
		"a part is mounted first": {func() {
			bind(part, other)
			check.Must(t, unix.Unmount(root, unix.MNT_DETACH))
			check.Must(t, unix.Mount("none", root, "cgroup2", 0, ""))
		}, root},
		"a part hides the usual place": {func() {
			bind(root, other)
			bind(part, root)
		}, other},
		"only a part": {func() {
			bind(part, other)
			check.Must(t, unix.Unmount(root, unix.MNT_DETACH))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inMountNamespace(t, func() {
				c.arrange()
				got, err := loader.CgroupRoot()
				var finding loader.Finding
				for _, f := range loader.Diagnose(loader.Options{}) {
					if f.Check == "cgroup" {
						finding = f
					}
				}
				switch {
				case c.want != "" && (err != nil || got != c.want || finding.Status != loader.OK || finding.Detail != got):
					t.Errorf("the root is %q, %v, want %s; the doctor says %+v", got, err, c.want, finding)
				case c.want == "" && (finding.Status != loader.Warning || !strings.Contains(finding.Detail, "is a part of the cgroup v2 hierarchy")):
					t.Errorf("only %s is mounted; the doctor says %+v", part, finding)
				}
			})
		})
	}
}

// inMountNamespace runs f on a thread with mounts of its own, which ends with it.
func inMountNamespace(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	check.Must(t, <-done)
}

// A program that was attached with BPF_F_ALLOW_OVERRIDE gives way to any below,
// without a word of the kernel: we have to say it.
func TestAShadowedProgramIsNamed(t *testing.T) {
	w := newWorld(t)
	parent := w.Cgroup
	w.Cgroup = child(t, parent)
	w.Options.Cgroup = w.Cgroup.Path()
	attachLegacy(t, parent, foreignProgram(t), unix.BPF_F_ALLOW_OVERRIDE)
	said := func(notes []string) bool {
		text := strings.Join(notes, "\n")
		return strings.Contains(text, foreignName) && strings.Contains(text, parent.Path()) && strings.Contains(text, "does not run") && strings.Contains(text, "BPF_F_ALLOW_MULTI")
	}
	warned := func() bool {
		for _, f := range loader.Diagnose(w.Options) {
			if f.Status == loader.Warning && said([]string{f.Detail + f.Remedy}) {
				return true
			}
		}
		return false
	}
	check.Same(t, "the doctor says it before", warned(), true)
	up, err := loader.Up(check.Background(t), w.Options)
	check.Must(t, err)
	check.Must(t, up.Close())
	if !said(up.Notes) {
		t.Errorf("up says %q", up.Notes)
	}
	check.Same(t, "the doctor says it while we are up", warned(), true)

	attachOption(t, parent)
	ask, err := loader.AllowAsk(w.Options, w.Cgroup.Path(), pathstore.AskRule{Mode: resume.ModeCareful})
	check.Must(t, err)
	if text := strings.Join(ask.Notes, "\n"); !strings.Contains(text, "foreign_option") || !strings.Contains(text, parent.Path()) {
		t.Errorf("ask allow says %q", text)
	}
	w.down(t)
}

// What runs on beside ours is not said to be switched off.
func TestWhatRunsOnIsNotCalledShadowed(t *testing.T) {
	for name, c := range map[string]struct {
		flags   uint32
		already bool // another program below has shadowed it
	}{"tolerant": {flags: unix.BPF_F_ALLOW_MULTI}, "shadowed before": {flags: unix.BPF_F_ALLOW_OVERRIDE, already: true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			parent := w.Cgroup
			w.Cgroup = child(t, parent)
			w.Options.Cgroup = w.Cgroup.Path()
			attachLegacy(t, parent, foreignProgram(t), c.flags)
			if c.already {
				attachLegacy(t, w.Cgroup, foreignProgram(t), unix.BPF_F_ALLOW_MULTI)
			}
			w.up(t) // which has no note
		})
	}
}

// attachOption attaches a program for setsockopt that any below may override.
func attachOption(t *testing.T, cgroup *lab.Cgroup) {
	t.Helper()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "foreign_option", Type: ebpf.CGroupSockopt, AttachType: ebpf.AttachCGroupSetsockopt, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()},
	})
	check.Must(t, err)
	t.Cleanup(func() { prog.Close() })
	dir, err := os.Open(cgroup.Path())
	check.Must(t, err)
	t.Cleanup(func() { dir.Close() })
	check.Must(t, link.RawAttachProgram(link.RawAttachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupSetsockopt, Flags: unix.BPF_F_ALLOW_OVERRIDE}))
	t.Cleanup(func() {
		_ = link.RawDetachProgram(link.RawDetachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupSetsockopt})
	})
}
