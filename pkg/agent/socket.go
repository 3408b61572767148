// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// ErrServed is wrapped by errors about a directory that a living agent serves.
var ErrServed = errors.New("another agent serves")

const (
	dirMode    = 0o750
	socketMode = 0o660
	lockFile   = "agent.lock"

	// wantQueue holds 40 ms of a hundred thousand reports a second.
	wantQueue = 4096
	// GoodQueue is what systemd sets for the host. The kernel's own 10, which
	// network namespaces begin with, is less than one busy moment of one server.
	GoodQueue = 512
)

// Sockets are what an agent listens on. They are gone with the agent: a dead
// one's files are taken over, a living one's are not.
type Sockets struct {
	Dir     string
	reports *net.UnixConn
	api     *net.UnixListener
	lock    *os.File
	queue   int
}

// Listen makes the directory and the sockets in it: 0750 and 0660, of the
// group gid unless that is -1. The directory, not a socket, is what to mount
// into containers: a restarted agent makes new sockets.
func Listen(dir string, gid int) (_ *Sockets, err error) {
	s := &Sockets{Dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("directory of the sockets: %w", err)
	}
	if err := s.acquire(); err != nil {
		return nil, err
	}
	for _, name := range []string{resume.ReportSocket, resume.APISocket} {
		if err := removeSocket(filepath.Join(dir, name)); err != nil {
			return nil, err
		}
	}
	if s.reports, s.queue, err = listenReports(filepath.Join(dir, resume.ReportSocket)); err != nil {
		return nil, err
	}
	if s.api, err = net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, resume.APISocket), Net: "unix"}); err != nil {
		return nil, err
	}
	return s, s.give(gid)
}

// acquire holds the directory as long as the process lives.
func (s *Sockets) acquire() error {
	name := filepath.Join(s.Dir, lockFile)
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("locking %s: %w", s.Dir, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		pid := make([]byte, 20)
		n, _ := file.ReadAt(pid, 0)
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%w %s (pid %s): stop it, or give this one another --socket-dir", ErrServed, s.Dir, strings.TrimSpace(string(pid[:n])))
		}
		return fmt.Errorf("locking %s: %w", s.Dir, err)
	}
	s.lock = file
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil // the number is for people; a full disk must not keep an agent from serving
	}
	return err
}

func removeSocket(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("%s is there and is no socket: remove it, or give another --socket-dir", name)
	}
	return os.Remove(name)
}

func (s *Sockets) give(gid int) error {
	for name, mode := range map[string]fs.FileMode{
		s.Dir: dirMode, filepath.Join(s.Dir, resume.ReportSocket): socketMode, filepath.Join(s.Dir, resume.APISocket): socketMode,
	} {
		if gid >= 0 {
			if err := os.Chown(name, -1, gid); err != nil {
				return fmt.Errorf("giving %s to group %d: %w", name, gid, err)
			}
		}
		if err := os.Chmod(name, mode); err != nil && (name != s.Dir || !errors.Is(err, fs.ErrPermission)) {
			return err // the directory may be a service manager's
		}
	}
	return nil
}

// listenReports makes the datagram socket with a queue that holds a burst. The
// length is a setting of the network namespace in which the socket is made, so
// it is made in a new one where that is allowed: no setting of the machine changes.
func listenReports(name string) (*net.UnixConn, int, error) {
	type result struct {
		conn  *net.UnixConn
		queue int
		err   error
	}
	if queueLength() >= wantQueue {
		conn, err := bindReports(name)
		return conn, queueLength(), err
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its namespace
		queue := queueLength()
		if unix.Unshare(unix.CLONE_NEWNET) == nil {
			_ = os.WriteFile(queueSetting, []byte(strconv.Itoa(wantQueue)), 0)
			queue = queueLength()
		}
		conn, err := bindReports(name)
		done <- result{conn, queue, err}
	}()
	r := <-done
	return r.conn, r.queue, r.err
}

func bindReports(name string) (*net.UnixConn, error) {
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err == nil {
		if failed := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) }); failed != nil {
			err = failed
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("asking for credentials of reports: %w", err)
	}
	return conn, nil
}

// queueSetting is of the network namespace of the thread that opens it.
const queueSetting = "/proc/sys/net/unix/max_dgram_qlen"

// queueLength is how many datagrams may wait in a socket that is made now; 0 if unknown.
func queueLength() int {
	text, err := os.ReadFile(queueSetting)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}

// hide keeps new reports out; those that are in the queue can still be read.
func (s *Sockets) hide() error {
	err := os.Remove(filepath.Join(s.Dir, resume.ReportSocket))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Close removes the sockets and lets another agent serve the directory.
func (s *Sockets) Close() error {
	var errs []error
	if s.reports != nil {
		errs = append(errs, s.reports.Close(), s.hide())
	}
	if s.api != nil {
		errs = append(errs, s.api.Close()) // removes its file by itself
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	for i, err := range errs {
		if errors.Is(err, net.ErrClosed) || errors.Is(err, fs.ErrNotExist) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// Queue is how many reports may wait while the agent is busy.
func (s *Sockets) Queue() int { return s.queue }
