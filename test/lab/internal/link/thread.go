// SPDX-License-Identifier: Apache-2.0

package link

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// ahead counts the threads that asked.
var ahead atomic.Int32

// sharpenThread asks for wake-ups on time, ahead of every ordinary thread of the
// machine and of the programs that measure, which may run in real time, too, and
// would make it wait for the end of their slice. Without the privilege for it the
// link still works, only less exactly, so a refusal is no error.
//
// One processor is left to the others: Go's scheduler spins, yielding, until a
// thread that looks through this one's stack is done, and where threads that spin
// had every processor, that one would never run.
func sharpenThread() (undo func()) {
	const thisThread, noFlags = 0, 0
	// A nice value would not do: with the kernel's autogroups it counts inside
	// one login session only.
	realtime := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 2}
	if int(ahead.Add(1)) >= runtime.NumCPU() {
		realtime.Policy, realtime.Priority = unix.SCHED_RR, 1
	}
	_ = unix.SchedSetAttr(thisThread, &realtime, noFlags)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return func() { ahead.Add(-1) }
}
