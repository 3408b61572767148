// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab"
)

const isolatedEnv = "TCPRESUME_RIG_ISOLATED"

// Isolate runs f in a copy of this program that has its own mount namespace
// with a fresh bpffs on /sys/fs/bpf, and exits with f's code. Pins vanish with
// the process, however it ends.
func Isolate(f func() int) {
	if os.Getenv(isolatedEnv) == "" {
		os.Exit(reexec())
	}
	if err := unix.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""); err != nil {
		fmt.Fprintf(os.Stderr, "mounting a private bpffs: %v; run as root\n", err)
		os.Exit(1)
	}
	held, err := lockMachine()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sweepRegistrations()
	code := f()
	if err := lab.SweepStale(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	held.Close()
	os.Exit(code)
}

// lockMachine lets one rig at a time work: the names of congestion controls
// are one name space for the whole kernel.
func lockMachine() (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(os.TempDir(), "tcpresume-rig.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	return file, nil
}

func reexec() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), isolatedEnv+"=1")
	if counters := os.Getenv("TCPRESUME_COVER"); counters != "" { // go test has set one of its own
		cmd.Env = append(cmd.Env, "GOCOVERDIR="+counters)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // the copy gets it too, and ends; ignored, it would inherit that
	defer preferred()()
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case errors.Is(err, unix.EPERM):
		fmt.Fprintln(os.Stderr, "a mount namespace of its own was refused: run as root")
		return 1
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// preferred lets what this thread starts run in real time, or ahead of the rest
// of the machine: a path that is emulated late drops packets that no test sent
// too fast. Where that is refused, things run as they are.
func preferred() (restore func()) {
	runtime.LockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return runtime.UnlockOSThread
	}
	size := before.Size
	if err := unix.SchedSetAttr(0, &unix.SchedAttr{Size: size, Policy: unix.SCHED_RR, Priority: 1}, 0); err != nil {
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: size, Nice: -20}, 0)
	}
	return func() {
		_ = unix.SchedSetAttr(0, before, 0)
		runtime.UnlockOSThread()
	}
}
