// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// Wherever the pins of what runs are, whoever meets it is told how to take it
// down: by the doctor, by "up", which is refused, and by "down" in the wrong
// place. What is told does it.
func TestWhatIsUpElsewhereCanBeTakenDown(t *testing.T) {
	if !linked() {
		t.Skip("registered by map here; TestWrappersByMap has that")
	}
	for name, c := range map[string]struct {
		pins  string
		hide  func(t *testing.T) (undo func())
		words string
	}{
		"other pins": {pins: "/sys/fs/bpf/other", words: `"tcpresume down --pins /sys/fs/bpf/other"`},
		"deeper":     {pins: "/sys/fs/bpf/a/b", words: `"tcpresume down --pins /sys/fs/bpf/a/b"`},
		"a second mount": {hide: func(t *testing.T) func() {
			check.Must(t, unix.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""))
			return func() { check.Must(t, unix.Unmount("/sys/fs/bpf", unix.MNT_DETACH)) }
		}, words: `"umount /sys/fs/bpf" shows what it hides`},
		"mounts of another process": {hide: func(t *testing.T) func() {
			process := exec.Command("sleep", "1000")
			process.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
			check.Must(t, process.Start())
			check.Must(t, unix.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""))
			return func() {
				check.Must(t, unix.Unmount("/sys/fs/bpf", unix.MNT_DETACH))
				_ = process.Process.Kill()
				_ = process.Wait()
			}
		}, words: "/root/sys/fs/bpf/tcpresume\""},
		"nowhere": {hide: hideFromAll, words: "bpftool link detach id"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			there := w.Options
			if there.Pins = c.pins; strings.Count(c.pins, "/") > 4 {
				check.Must(t, os.Mkdir("/sys/fs/bpf/a", 0o700))
				t.Cleanup(func() { check.Must(t, os.Remove("/sys/fs/bpf/a")) })
			}
			up, err := loader.Up(check.Background(t), there)
			check.Must(t, err)
			check.Must(t, up.Close())
			t.Cleanup(func() { _, _ = loader.Down(context.Background(), there) }) // what is left if nothing was told
			undo := func() {}
			if c.hide != nil {
				undo = c.hide(t)
			}
			told := func() (said []string) {
				f := w.finding(t, "tcpresume")
				check.Same(t, "the doctor's status", f.Status, loader.Problem)
				_, up := loader.Up(check.Background(t), w.Options)
				_, down := loader.Down(check.Background(t), w.Options)
				if up == nil || !errors.Is(down, pathstore.ErrNotLoaded) {
					t.Fatalf("up here: %v, down here: %v", up, down)
				}
				return []string{f.Detail + "; " + f.Remedy, up.Error(), down.Error()}
			}()
			for i, who := range []string{"the doctor", "up", "down"} {
				if !strings.Contains(told[i], "another tcpresume is up under other pins") || !strings.Contains(told[i], "resume_cubic") || !strings.Contains(told[i], c.words) {
					t.Errorf("%s says %q, want ...%s...", who, told[i], c.words)
				}
			}
			follow(t, told[0], undo)
			w.unregistered(t)
			w.up(t)
		})
	}
}

// follow does what was told.
func follow(t *testing.T, told string, undo func()) {
	t.Helper()
	if pins := regexp.MustCompile(`"tcpresume down --pins ([^"]+)"`).FindStringSubmatch(told); pins != nil {
		_, err := loader.Down(check.Background(t), loader.Options{Pins: pins[1]})
		check.Must(t, err)
		undo()
		return
	}
	undo()
	if strings.Contains(told, "umount") {
		_, err := loader.Down(check.Background(t), loader.Options{})
		if err == nil {
			return
		}
		if !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Fatal(err)
		}
	}
	for _, command := range regexp.MustCompile(`"(bpftool [^"]+)"`).FindAllStringSubmatch(told, -1) {
		words := strings.Fields(command[1])
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", command[1], err, out)
		}
	}
}

// hideFromAll puts the pins where no path leads: only a descriptor keeps them.
func hideFromAll(t *testing.T) func() {
	t.Helper()
	kept, err := os.Open("/sys/fs/bpf")
	check.Must(t, err)
	check.Must(t, unix.Unmount("/sys/fs/bpf", unix.MNT_DETACH))
	check.Must(t, unix.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""))
	t.Cleanup(func() { kept.Close() })
	return func() {}
}

// What lost its pins, as by a lazy unmount under a process that keeps them, is
// taken over where that is asked for: paths and connections with it.
func TestWhatLostItsPinsIsTakenOver(t *testing.T) {
	if !linked() {
		t.Skip("registered by map here, which any \"up\" unregisters")
	}
	w := newWorld(t)
	first, err := loader.Up(check.Background(t), w.Options)
	check.Must(t, err)
	check.Must(t, first.Close())
	path := resume.Path{
		Peer: w.Client.IPv4, Cwnd: 64 << 10, RTT: 20 * time.Millisecond,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
	}
	check.Must(t, w.store(t, path).Close())
	before := w.inspect(t)
	hideFromAll(t)
	if _, err := loader.Up(check.Background(t), w.Options); err == nil || !strings.Contains(err.Error(), `"tcpresume up --adopt"`) {
		t.Fatalf("up without --adopt: %v", err)
	}
	adopting := w.Options
	adopting.Adopt = true
	up, err := loader.Up(check.Background(t), adopting)
	check.Must(t, err)
	check.Must(t, up.Close())
	after := w.inspect(t)
	check.Same(t, "the link", after.Program.LinkID, before.Program.LinkID)
	check.Same(t, "the wrappers", after.Wrappers, before.Wrappers)
	check.Same(t, "the watchers", len(after.Watchers), len(before.Watchers))
	store, err := pathstore.Open(loader.MapsDir(after.Pins))
	check.Must(t, err)
	defer store.Close()
	got, err := store.Get(path.Peer, 0)
	check.Must(t, err)
	got.TTL, got.Age = 0, 0
	check.Same(t, "the path", got, pathstore.Entry{Path: path, State: pathstore.StateFree})
	w.resumes(t, "cubic", 64<<10)
	w.down(t)
	w.unregistered(t)
}
