// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is an anonymous network namespace.
type Namespace struct {
	fd int
}

// New makes an empty network namespace. The caller stays where it was.
func New() (*Namespace, error) {
	ns := &Namespace{fd: -1}
	err := onOwnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare network namespace (CAP_SYS_ADMIN is needed): %w", err)
		}
		fd, err := openCurrent()
		ns.fd = fd
		return err
	})
	if err != nil {
		return nil, err
	}
	return ns, nil
}

// Do runs f on an operating system thread that is inside the namespace. Sockets
// and files of /proc/sys/net that f opens belong to the namespace; goroutines
// that f starts do not run inside it.
func (n *Namespace) Do(f func() error) error {
	return onOwnThread(func() error {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace (is the lab closed already?): %w", err)
		}
		return f()
	})
}

// FD is the namespace for system calls that take one, until Close.
func (n *Namespace) FD() int { return n.fd }

// Close gives the namespace up. The kernel removes it once the last socket that
// was made in it is closed too.
func (n *Namespace) Close() error {
	fd := n.fd
	n.fd = -1
	if err := unix.Close(fd); err != nil {
		return fmt.Errorf("close network namespace: %w", err)
	}
	return nil
}

// onOwnThread restores in a deferred call, because a test may leave f by
// runtime.Goexit (t.FailNow).
func onOwnThread(f func() error) (err error) {
	runtime.LockOSThread()
	home, err := openCurrent()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() {
		defer unix.Close(home)
		if back := unix.Setns(home, unix.CLONE_NEWNET); back != nil {
			// The thread stays locked, so that no other goroutine is run in
			// the wrong namespace.
			err = errors.Join(err, fmt.Errorf("leave network namespace: %w", back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

func openCurrent() (int, error) {
	fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open network namespace of this thread (is /proc mounted?): %w", err)
	}
	return fd, nil
}
