// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const cgroupPrefix = "tcpresume-lab-"

// SweepStale removes the cgroups that ended processes left behind. Cgroups of
// running tests, in this process or another, stay.
func SweepStale() error {
	root, err := cgroupRoot()
	if err != nil {
		return err
	}
	unlock, err := lockCgroupRoot()
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("list cgroups: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), cgroupPrefix) {
			errs = append(errs, sweep(filepath.Join(root, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

func sweep(path string) error {
	lock, err := lockDirectory(path, false)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	children, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("list cgroups below a stale one: %w", err)
	}
	var errs []error
	for _, child := range children {
		if child.IsDir() {
			errs = append(errs, sweep(filepath.Join(path, child.Name())))
		}
	}
	err = os.Remove(path)
	// Somebody else's process in it, or a child in use, makes it not stale.
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.ENOTEMPTY) {
		err = nil
	}
	return errors.Join(append(errs, err)...)
}

// lockCgroupRoot closes the gap between making a cgroup and locking it, in which
// a sweep would take it for a leftover.
func lockCgroupRoot() (unlock func(), err error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	lock, err := lockDirectory(root, true)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}

func lockDirectory(path string, wait bool) (*os.File, error) {
	directory, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("lock cgroup: %w", err)
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	if err := unix.Flock(int(directory.Fd()), how); err != nil {
		directory.Close()
		return nil, fmt.Errorf("lock cgroup %s: %w", path, err)
	}
	return directory, nil
}
