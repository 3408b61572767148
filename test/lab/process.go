// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Start starts a program inside the host and a cgroup; of both, nil means that
// of this process. The program gets a process namespace of its own: what it starts
// in turn ends with it, and it ends with this process at the latest. It needs
// unshare of util-linux.
func (h *Host) Start(cmd *exec.Cmd, cgroup *Cgroup) error {
	name := filepath.Base(cmd.Path)
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return fmt.Errorf("start %s: %w; install util-linux", name, err)
	}
	if cmd.Err != nil {
		return fmt.Errorf("start %s: %w", name, cmd.Err)
	}
	cmd.Args = append([]string{unshare, "--pid", "--fork", "--mount-proc", "--kill-child", "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = unshare
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if cgroup != nil {
		directory, err := os.Open(cgroup.path)
		if err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
		defer directory.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(directory.Fd())
	}
	return onLastingThread(func() error {
		if h == nil {
			return cmd.Start()
		}
		return h.Do(cmd.Start)
	})
}

// onLastingThread exists because a program that is to end with its parent ends
// with the parent's thread already, and those of links come and go.
func onLastingThread(f func() error) error {
	done := make(chan error)
	starter() <- func() { done <- f() }
	return <-done
}

var starter = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// Signal reaches the program that Start started.
func Signal(cmd *exec.Cmd, signal syscall.Signal) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
	if err != nil {
		return fmt.Errorf("find program to signal: %w", err)
	}
	var child int
	if _, err := fmt.Sscan(string(children), &child); err != nil {
		return fmt.Errorf("find program to signal: has it ended? %w", err)
	}
	return unix.Kill(child, signal)
}

// Stop ends a program that Start started, and all that it started: politely,
// and after a while by force. When it returns, nothing of them is left.
func Stop(cmd *exec.Cmd) error {
	const politeness = 3 * time.Second
	forced := time.AfterFunc(politeness, func() { force(cmd) })
	defer forced.Stop()
	if err := Signal(cmd, unix.SIGTERM); err != nil {
		force(cmd)
	}
	return reap(cmd)
}

// Kill is Stop without politeness.
func Kill(cmd *exec.Cmd) error {
	force(cmd)
	return reap(cmd)
}

// force kills the first process of the namespace, whose parent learns of its
// death once the kernel has taken all others away.
func force(cmd *exec.Cmd) {
	if err := Signal(cmd, unix.SIGKILL); err != nil {
		_ = cmd.Process.Kill()
	}
}

func reap(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("stop program: %w", err)
	}
	return nil
}
