// SPDX-License-Identifier: Apache-2.0

package link

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// sharpenThread asks for wake-ups on time, ahead of every ordinary thread of the
// machine and of the programs that measure, which may run in real time, too, and
// would make it wait for the end of their slice. Without the privilege for it the
// link still works, only less exactly, so a refusal is no error.
//
// On a single processor it goes ahead of nobody: Go's scheduler spins, yielding,
// until a thread that looks through this one's stack is done, and that thread
// would never run.
func sharpenThread() {
	const thisThread, noFlags = 0, 0
	// A nice value would not do: with the kernel's autogroups it counts inside
	// one login session only.
	realtime := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 2}
	if runtime.NumCPU() == 1 {
		realtime.Policy, realtime.Priority = unix.SCHED_RR, 1
	}
	_ = unix.SchedSetAttr(thisThread, &realtime, noFlags)
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
}
