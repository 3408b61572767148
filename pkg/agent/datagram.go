// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// batch is how many datagrams are taken at once. More gain little, and make the
// first wait for the last.
const batch = 64

// serveReports takes datagrams until the socket's read deadline, and then what
// still waits in it. One goroutine does all of it: the order of arrival is the
// order of the writes.
func (a *Agent) serveReports(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var (
		in       = newInbox()
		messages []Message
		outcomes []Outcome
		failed   error
	)
	for err == nil && failed == nil {
		err = raw.Read(func(fd uintptr) bool {
			messages, failed = in.receive(int(fd))
			return len(messages) > 0 || failed != nil
		})
		if err == nil {
			outcomes = a.Take(messages, outcomes)
		}
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return errors.Join(failed, err)
	}
	err = raw.Control(func(fd uintptr) { // nobody can send to it any more
		for messages, failed = in.receive(int(fd)); len(messages) > 0; messages, failed = in.receive(int(fd)) {
			outcomes = a.Take(messages, outcomes)
		}
	})
	return errors.Join(failed, err)
}

// inbox receives many datagrams by one system call (recvmmsg(2)).
type inbox struct {
	headers  [batch]mmsghdr
	vectors  [batch]unix.Iovec
	messages [batch]Message
	text     [batch][resume.MaxReport + 1]byte
	control  [batch][controlSize]byte
}

type mmsghdr struct {
	unix.Msghdr
	length uint32
}

// controlSize has room for credentials and none for files, which the kernel then drops.
const controlSize = unix.SizeofCmsghdr + (unix.SizeofUcred+7)&^7

func newInbox() *inbox {
	in := &inbox{}
	for i := range in.headers {
		in.vectors[i].Base = &in.text[i][0]
		in.vectors[i].SetLen(len(in.text[i]))
		in.headers[i].Iov = &in.vectors[i]
		in.headers[i].SetIovlen(1)
		in.headers[i].Control = &in.control[i][0]
	}
	return in
}

// receive returns what waits in the socket, which stays valid until the next call.
func (in *inbox) receive(fd int) ([]Message, error) {
	for i := range in.headers {
		in.headers[i].SetControllen(controlSize)
	}
	for {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&in.headers[0])), batch, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC, 0, 0)
		switch errno {
		case 0:
		case unix.EAGAIN:
			return nil, nil
		case unix.EINTR:
			continue
		default:
			return nil, fmt.Errorf("receiving reports: %w", errno)
		}
		for i := range in.messages[:n] {
			who, ok := credentialsIn(in.control[i][:in.headers[i].Controllen])
			if !ok {
				who = Credentials{UID: overflowID, GID: overflowID}
			}
			in.messages[i] = Message{who, in.text[i][:in.headers[i].length]}
		}
		return in.messages[:n], nil
	}
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
