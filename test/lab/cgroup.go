// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Cgroup is a cgroup v2 directory made by a test. A nil Cgroup stands for the one
// that the process is in.
type Cgroup struct {
	path string
	// lock tells SweepStale, also in other processes, that the directory is in
	// use; the kernel drops it with the process.
	lock *os.File
}

// moving is held while the process is away from its own cgroup.
var moving sync.Mutex

// NewCgroup makes a cgroup directly below the root of the cgroup v2 hierarchy. Its
// directory's name has the process in it, so that two test programs may use the
// same name at once. The caller must Remove it.
func NewCgroup(name string) (*Cgroup, error) {
	root, err := cgroupRoot()
	if err != nil {
		return nil, err
	}
	if name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("cgroup name %q: give one without slashes", name)
	}
	return makeCgroup(filepath.Join(root, fmt.Sprintf("%s%s-%d", cgroupPrefix, name, os.Getpid())))
}

// Child makes a cgroup below c, which must be removed before c.
func (c *Cgroup) Child(name string) (*Cgroup, error) {
	if name == "" || strings.Contains(name, "/") {
		return nil, fmt.Errorf("cgroup name %q: give one without slashes", name)
	}
	return makeCgroup(filepath.Join(c.path, name))
}

func makeCgroup(path string) (*Cgroup, error) {
	unlock, err := lockCgroupRoot()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("make cgroup (SweepStale removes leftovers): %w", err)
	}
	lock, err := lockDirectory(path, true)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return &Cgroup{path: path, lock: lock}, nil
}

// Path returns the directory, to attach programs to.
func (c *Cgroup) Path() string { return c.path }

// Run moves this process into the cgroup, runs f and moves it back. Every socket
// that f opens belongs to the cgroup for life, as do sockets that other goroutines
// open meanwhile. Calls wait for each other and must not be nested.
func (c *Cgroup) Run(f func() error) (err error) {
	if c == nil {
		return f()
	}
	moving.Lock()
	defer moving.Unlock()
	home, err := currentCgroup()
	if err != nil {
		return err
	}
	if err := moveTo(c.path); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, moveTo(home)) }()
	return f()
}

// Remove deletes the cgroup. The sockets in it live on, without the programs that
// were attached to it.
func (c *Cgroup) Remove() error {
	if err := os.Remove(c.path); err != nil {
		return fmt.Errorf("remove cgroup (is a process or a child cgroup left in it?): %w", err)
	}
	if err := c.lock.Close(); err != nil {
		return fmt.Errorf("unlock cgroup: %w", err)
	}
	return nil
}

func moveTo(directory string) error {
	self := []byte(strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(filepath.Join(directory, "cgroup.procs"), self, 0o644); err != nil {
		return fmt.Errorf("move this process to another cgroup: %w", err)
	}
	return nil
}
