// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

type holdings struct {
	Files, Goroutines, Procs int
	Namespaces               map[string]bool
}

// holdingsNow counts threads by the network namespace they are in, because the
// runtime may keep an idle thread as it pleases, but never in a lab.
func holdingsNow(t *testing.T) holdings {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	h := holdings{Files: len(files), Goroutines: runtime.NumGoroutine(), Procs: runtime.GOMAXPROCS(0), Namespaces: map[string]bool{}}
	threads, err := filepath.Glob("/proc/self/task/*/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		if namespace, err := os.Readlink(thread); err == nil {
			h.Namespaces[namespace] = true
		}
	}
	return h
}

func threadCount(t *testing.T) int {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	return len(threads)
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	run := func() {
		l := newLab(t, Path{RTT: time.Millisecond, Rate: 1e9})
		if _, err := l.Fetch(context.Background(), ListenSpec{}, Fetch{Bytes: 1e5}); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// The first run opens what the runtime keeps for good, such as its poller.
	run()
	before, threads := settled(t), threadCount(t)
	const runs = 20
	for range runs {
		run()
	}
	if diff := cmp.Diff(before, settled(t)); diff != "" {
		t.Errorf("left behind (-before +after):\n%s", diff)
	}
	if grown := threadCount(t) - threads; grown >= runs {
		t.Errorf("%d labs left %d threads", runs, grown)
	}
}

// settled waits for goroutines that are just ending.
func settled(t *testing.T) holdings {
	t.Helper()
	last := holdingsNow(t)
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		now := holdingsNow(t)
		if cmp.Equal(last, now) {
			return now
		}
		last = now
	}
	return last
}

func TestCloseTwiceIsHarmless(t *testing.T) {
	procs := runtime.GOMAXPROCS(0)
	l := newLab(t, Path{Rate: 1e9})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := runtime.GOMAXPROCS(0); got != procs {
		t.Errorf("GOMAXPROCS went from %d to %d", procs, got)
	}
	if err := l.Client.Do(func() error { return nil }); err == nil {
		t.Error("a closed host can still be entered")
	}
}

// TestKernelRemovesTheHosts asks by file handle, which keeps nothing alive.
func TestKernelRemovesTheHosts(t *testing.T) {
	l := newLab(t, Path{RTT: time.Millisecond, Rate: 10e6})
	time.AfterFunc(100*time.Millisecond, func() { l.Cut(true) })
	_, err := l.Fetch(context.Background(), ListenSpec{}, Fetch{Bytes: 1e6, Timeout: 200 * time.Millisecond})
	if err == nil {
		t.Fatal("fetch over a cut path succeeded")
	}
	var handles []unix.FileHandle
	for _, host := range []*Host{l.Client, l.Server} {
		err := host.Do(func() error {
			handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/proc/thread-self/ns/net", unix.AT_SYMLINK_FOLLOW)
			handles = append(handles, handle)
			return err
		})
		if err != nil {
			t.Skipf("this kernel has no file handles of namespaces: %v", err)
		}
	}
	if !exists(handles[0]) || !exists(handles[1]) {
		t.Fatal("a host is missing before close")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); exists(handles[0]) || exists(handles[1]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a namespace is still there 5 s after close")
		}
	}
}

func exists(namespace unix.FileHandle) bool {
	const anyNamespace = -10003 // FD_NSFS_ROOT
	fd, err := unix.OpenByHandleAt(anyNamespace, namespace, unix.O_RDONLY|unix.O_CLOEXEC)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}
