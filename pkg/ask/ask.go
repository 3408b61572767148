// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Level and Name are the socket option, RESUME_ASK_LEVEL and RESUME_ASK_NAME of bpf/layout.h.
const (
	Level = 0x7472
	Name  = 1
)

const version = 1

// Request is Peer, Token or State.
type Request interface{ request() (option, error) }

// Peer asks for the path that is stored for the address of the connection's
// peer, for example because a report came after the connection had been made.
type Peer struct {
	Exact bool // cwnd and ssthresh at once, where rule, and policy or entry, are exact; else RFC 9959
}

// Token asks for the path that was stored under a token. Whoever knows a token
// can have its path: derive it from a secret, such as a session's id, by TokenOf.
type Token struct {
	ID    [16]byte
	Exact bool
}

// TokenOf makes the token of a secret as resume.TokenOf does for who reports:
// the first 16 bytes of its SHA-256.
func TokenOf(secret []byte) Token {
	digest := sha256.Sum256(secret)
	return Token{ID: [16]byte(digest[:16])}
}

// State brings the path with the ask: what a QUIC connection of the same
// client knew. The kernel bounds it by the rule of the cgroup, by the policy of
// the peer, and by the connection's own round-trip time.
type State struct {
	Cwnd     uint32        // bytes; required
	Ssthresh uint32        // bytes; 0: not known
	RTT      time.Duration // the smallest seen; required unless Exact
	Exact    bool
}

// option is struct resume_ask of bpf/layout.h.
type option struct {
	version, kind            uint32
	token                    [16]byte
	cwnd, ssthresh, minRTTus uint32
	mode                     uint32
}

const (
	kindPeer = iota + 1
	kindToken
	kindState
)

const (
	modePolicy = 0
	modeExact  = 2
)

func mode(exact bool) uint32 {
	if exact {
		return modeExact
	}
	return modePolicy
}

func (p Peer) request() (option, error) {
	return option{version: version, kind: kindPeer, mode: mode(p.Exact)}, nil
}

func (t Token) request() (option, error) {
	return option{version: version, kind: kindToken, token: t.ID, mode: mode(t.Exact)}, nil
}

func (s State) request() (option, error) {
	rtt := s.RTT.Microseconds()
	switch {
	case s.Cwnd == 0:
		return option{}, fmt.Errorf("%w: cwnd is 0: give the window in bytes", ErrMalformed)
	case rtt < 0 || rtt > math.MaxUint32:
		return option{}, fmt.Errorf("%w: rtt %v is out of range", ErrMalformed, s.RTT)
	}
	return option{
		version: version, kind: kindState, mode: mode(s.Exact),
		cwnd: s.Cwnd, ssthresh: s.Ssthresh, minRTTus: uint32(rtt),
	}, nil
}

// Ask asks the kernel to let a TCP connection resume from a path. The
// connection is one's own, established, and may have sent data. The errors are
// those of this package, each with the kernel's errno behind it; the connection
// goes on as it was after any of them.
func Ask(conn syscall.Conn, request Request) error {
	opt, err := request.request()
	if err != nil {
		return err
	}
	return control(conn, func(fd int) error {
		// The kernel gives a socket its cookie, by which events name it, when it is asked for.
		_, _ = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), Level, Name,
			uintptr(unsafe.Pointer(&opt)), unsafe.Sizeof(opt), 0)
		if errno != 0 {
			return &refusal{errno}
		}
		return nil
	})
}

func control(conn syscall.Conn, f func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach the socket: %w", err)
	}
	var inner error
	return errors.Join(raw.Control(func(fd uintptr) { inner = f(int(fd)) }), inner)
}
