// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// networkNamespaces opens every network namespace that a process lives in or
// that is mounted somewhere. One that only a descriptor keeps alive cannot be found.
func networkNamespaces() ([]*os.File, error) {
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

// inNamespace runs f on a thread in the namespace. The thread ends if it cannot come back.
func inNamespace(ns *os.File, f func() error) error {
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

// NetnsCookie returns the cookie by which the kernel keys a network namespace,
// given as a file (/run/netns/name, /proc/PID/ns/net) or as the number itself.
func NetnsCookie(text string) (uint64, error) {
	if cookie, err := strconv.ParseUint(text, 10, 64); err == nil {
		return cookie, nil
	}
	ns, err := os.Open(text)
	if err != nil {
		return 0, fmt.Errorf("network namespace %q: %w; give a file such as /run/netns/NAME or a cookie", text, err)
	}
	defer ns.Close()
	var cookie uint64
	err = inNamespace(ns, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	if err == nil && cookie == 0 {
		err = errors.New("it is not a network namespace")
	}
	if err != nil {
		return 0, fmt.Errorf("network namespace %q: %w", text, err)
	}
	return cookie, nil
}
