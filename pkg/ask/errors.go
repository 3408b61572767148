// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"errors"

	"golang.org/x/sys/unix"
)

// What an ask can be refused for; docs/ask.md says what to do about each.
var (
	ErrNotAllowed  = errors.New("not allowed: ask the operator for \"tcpresume ask allow\" on this cgroup, or for a policy that is not off")
	ErrNoPath      = errors.New("no path is stored for this peer or token, or it has expired")
	ErrInUse       = errors.New("another connection uses the path, or it has been used up")
	ErrMalformed   = errors.New("the ask is malformed")
	ErrNoRTT       = errors.New("the path has no round-trip time to be confirmed by")
	ErrOtherRTT    = errors.New("the connection's round-trip time is not the path's")
	ErrAlready     = errors.New("nothing to gain: the window is small, or the connection has resumed already")
	ErrTryAgain    = errors.New("not now: losses are being repaired, or the path is being rewritten")
	ErrUnsupported = errors.New("the socket cannot resume: it is not plain TCP, or its congestion control has no wrapper")
	ErrQuota       = errors.New("the applications of this cgroup have stored as many new paths of late as they may: ask for the peer's or a token's, or later")
	ErrUnconnected = errors.New("the socket is not connected")
)

var byErrno = map[unix.Errno]error{
	unix.ENOPROTOOPT: ErrNotAllowed, // of the kernel itself: nobody has heard of the option here
	unix.EPERM:       ErrNotAllowed,
	unix.ENOENT:      ErrNoPath,
	unix.EBUSY:       ErrInUse,
	unix.EINVAL:      ErrMalformed,
	unix.ENODATA:     ErrNoRTT,
	unix.ERANGE:      ErrOtherRTT,
	unix.EALREADY:    ErrAlready,
	unix.EAGAIN:      ErrTryAgain,
	unix.EOPNOTSUPP:  ErrUnsupported,
	unix.ENOTCONN:    ErrUnconnected,
	unix.EDQUOT:      ErrQuota,
}

// refusal is one of the errors above and the kernel's errno at once.
type refusal struct{ errno unix.Errno }

func (r *refusal) Error() string {
	text := "ask: " + r.errno.Error()
	if meaning, ok := byErrno[r.errno]; ok {
		text += ": " + meaning.Error()
	}
	return text
}

func (r *refusal) Unwrap() []error {
	if meaning, ok := byErrno[r.errno]; ok {
		return []error{r.errno, meaning}
	}
	return []error{r.errno}
}
