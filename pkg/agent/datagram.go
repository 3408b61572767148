// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// turn bounds how many datagrams are taken before the reader looks whether it is to end.
const turn = 1024

// serveReports takes datagrams until the socket's read deadline, and then what
// still waits in it. One goroutine does all of it: the order of arrival is the
// order of the writes.
func (a *Agent) serveReports(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	inbox := newInbox()
	for err == nil && failed == nil {
		err = raw.Read(func(fd uintptr) bool {
			more := false
			more, failed = inbox.take(int(fd), a.Take)
			return more || failed != nil
		})
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.Join(failed, err)
	}
	return raw.Control(func(fd uintptr) { // nobody can send to it any more
		for more := true; more && failed == nil; {
			more, failed = inbox.take(int(fd), a.Take)
		}
	})
}

type inbox struct{ message, control []byte }

func newInbox() *inbox {
	return &inbox{
		message: make([]byte, resume.MaxReport+1),
		control: make([]byte, unix.CmsgSpace(unix.SizeofUcred)), // no room for files, which the kernel then drops
	}
}

// take hands over what waits in the socket; more tells that it stopped before the end.
func (in *inbox) take(fd int, to func(Credentials, []byte) Outcome) (more bool, err error) {
	for range turn {
		n, oob, _, _, err := unix.Recvmsg(fd, in.message, in.control, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return false, nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return false, fmt.Errorf("receiving reports: %w", err)
		}
		who, ok := credentialsIn(in.control[:oob])
		if !ok {
			who = Credentials{UID: overflowID, GID: overflowID}
		}
		to(who, in.message[:n])
	}
	return true, nil
}

// credentialsIn reads the one control message that fits, without garbage for each datagram.
func credentialsIn(control []byte) (Credentials, bool) {
	const header = unix.SizeofCmsghdr
	if len(control) < header+unix.SizeofUcred {
		return Credentials{}, false
	}
	native := binary.NativeEndian
	if native.Uint32(control[header-8:]) != unix.SOL_SOCKET || native.Uint32(control[header-4:]) != unix.SCM_CREDENTIALS {
		return Credentials{}, false
	}
	return Credentials{
		PID: int32(native.Uint32(control[header:])),
		UID: native.Uint32(control[header+4:]),
		GID: native.Uint32(control[header+8:]),
	}, true
}
