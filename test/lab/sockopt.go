// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

type fastOpenRole int

const (
	noFastOpen fastOpenRole = iota
	acceptFastOpen
	connectFastOpen
)

const (
	fastOpenBothEnds = "3"
	fastOpenBacklog  = 128
)

type socketOptions struct {
	CC       string
	FastOpen fastOpenRole
	Control  func(fd int) error
}

func (o socketOptions) apply(_, _ string, raw syscall.RawConn) error {
	var err error
	if outer := raw.Control(func(fd uintptr) { err = o.set(int(fd)) }); outer != nil {
		return outer
	}
	return err
}

func (o socketOptions) set(fd int) error {
	if o.CC != "" {
		if err := setCongestionControl(fd, o.CC); err != nil {
			return err
		}
	}
	if err := o.setFastOpen(fd); err != nil {
		return fmt.Errorf("ask for tcp fast open: %w", err)
	}
	if o.Control != nil {
		return o.Control(fd)
	}
	return nil
}

func (o socketOptions) setFastOpen(fd int) error {
	switch o.FastOpen {
	case acceptFastOpen:
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN, fastOpenBacklog)
	case connectFastOpen:
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1)
	default:
		return nil
	}
}

// setCongestionControl reads the name back: a namespace's own default is not
// always what it was asked for, and a measurement under a wrong name is worse
// than none.
func setCongestionControl(fd int, name string) error {
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name); err != nil {
		return fmt.Errorf("set congestion control %q (is its module loaded, is it registered?): %w", name, err)
	}
	got, err := CongestionControl(fd)
	if err != nil {
		return err
	}
	if got != name {
		return fmt.Errorf("set congestion control %q: the kernel gave %q", name, got)
	}
	return nil
}

// CongestionControl returns the name of the congestion control of a TCP socket.
func CongestionControl(fd int) (string, error) {
	name, err := unix.GetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	if err != nil {
		return "", fmt.Errorf("read congestion control: %w", err)
	}
	return name, nil
}

// Control runs f with the file descriptor of a connection or listener, which
// stays open meanwhile.
func Control(socket syscall.Conn, f func(fd int) error) error {
	raw, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach socket: %w", err)
	}
	var inner error
	return errors.Join(raw.Control(func(fd uintptr) { inner = f(int(fd)) }), inner)
}
