// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// All opens every network namespace that a process lives in or
// that is mounted somewhere. One that only a descriptor keeps alive cannot be found.
// The caller closes them.
func All() ([]*os.File, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/task/[0-9]*/ns/net")
	if err != nil {
		return nil, err
	}
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("nsfs"))
	if err != nil {
		return nil, fmt.Errorf("reading mountinfo: %w", err)
	}
	for _, mount := range mounts {
		paths = append(paths, mount.Mountpoint)
	}
	seen := make(map[uint64]bool)
	var found []*os.File
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || seen[info.Sys().(*syscall.Stat_t).Ino] {
			continue // threads come and go
		}
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		seen[info.Sys().(*syscall.Stat_t).Ino] = true
		found = append(found, file)
	}
	return found, nil
}

// In runs f on a thread in the namespace, which takes CAP_SYS_ADMIN. The thread ends if it cannot come back.
func In(ns *os.File, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			if errors.Is(err, unix.EINVAL) { // mounts of nsfs can be of other kinds
				err = nil
			}
			done <- err
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}
