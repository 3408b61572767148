// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Place is where a network namespace was found.
type Place struct {
	path string
	ino  uint64
}

// All opens every network namespace that a thread lives in or that is mounted
// somewhere. One that only a descriptor keeps alive cannot be found. The caller
// closes them.
func All() ([]*os.File, error) {
	places, err := find("/proc/[0-9]*/task/[0-9]*/ns/net")
	if err != nil {
		return nil, err
	}
	var found []*os.File
	for _, place := range places {
		if file, err := place.Open(); err == nil {
			found = append(found, file)
		}
	}
	return found, nil
}

// Find is All without looking at every thread of every process, for who asks often.
func Find() ([]Place, error) { return find("/proc/[0-9]*/ns/net") }

func find(pattern string) ([]Place, error) {
	paths, err := filepath.Glob(pattern)
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
	var found []Place
	for _, path := range paths {
		ino, err := inode(os.Stat(path))
		if err != nil || seen[ino] {
			continue // processes come and go
		}
		seen[ino] = true
		found = append(found, Place{path, ino})
	}
	return found, nil
}

// Open fails if the namespace has gone from its place.
func (p Place) Open() (*os.File, error) {
	file, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	if ino, err := inode(file.Stat()); err != nil || ino != p.ino {
		file.Close()
		return nil, errors.Join(err, fs.ErrNotExist)
	}
	return file, nil
}

func inode(info fs.FileInfo, err error) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return info.Sys().(*syscall.Stat_t).Ino, nil
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
