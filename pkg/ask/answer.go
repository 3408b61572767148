// SPDX-License-Identifier: Apache-2.0

package ask

import (
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Answer is what became of a connection's state so far.
type Answer struct {
	Given    bool   // a state was given to the connection, by an ask or otherwise
	Exact    bool   // at once; else by RFC 9959
	Phase    string // of RFC 9959 and, after it, normal
	Jumped   bool   // the window was set, after which the phases end by themselves
	Cwnd     uint32 // bytes, as stored and capped
	Ssthresh uint32
	Jump     uint32 // bytes: the window that was set
}

// answer is struct resume_answer of bpf/layout.h.
type answer struct {
	version, phase, outcome, mode uint32
	cwnd, ssthresh, jump, limit   uint32
}

// phases are enum resume_phase.
var phases = []string{"normal", "reconnaissance", "unvalidated", "validating", "safe_retreat", "exact", "filling"}

// Read says what became of a connection's state. It needs the same permission as Ask.
func Read(conn syscall.Conn) (Answer, error) {
	var got answer
	err := control(conn, func(fd int) error {
		size := uint32(unsafe.Sizeof(got))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), Level, Name,
			uintptr(unsafe.Pointer(&got)), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			return &refusal{errno}
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	if got.version != version {
		return Answer{}, fmt.Errorf("the answer is of version %d, expected %d: build with the matching version of tcpresume", got.version, version)
	}
	const modeOff = 1
	a := Answer{
		Given: got.mode != modeOff, Exact: got.mode == modeExact,
		Cwnd: got.cwnd, Ssthresh: got.ssthresh, Jump: got.jump,
		Phase: fmt.Sprintf("unknown(%d)", got.phase),
	}
	if got.phase < uint32(len(phases)) {
		a.Phase = phases[got.phase]
	}
	a.Jumped = a.Jump != 0 || a.Exact
	return a, nil
}
