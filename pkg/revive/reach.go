// SPDX-License-Identifier: Apache-2.0

package revive

import (
	"os"

	"golang.org/x/sys/unix"
)

// hostPIDs names the host's own PID namespace (PROC_PID_INIT_INO).
const hostPIDs = "pid:[4026531836]"

// Limits says which connections of the machine the passes of this process cannot
// reach, and what it would take; empty: none.
func Limits() string {
	const own = "idle connections are reached in this process's network namespace only, not in those of others, as of containers: "
	switch place, err := os.Readlink("/proc/self/ns/pid"); {
	case !capable(unix.CAP_SYS_ADMIN):
		return own + "entering them takes CAP_SYS_ADMIN (docs/live.md)"
	case err == nil && place != hostPIDs:
		return own + "finding them takes the host's processes, in a pod hostPID (docs/live.md)"
	}
	return ""
}

func capable(capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return unix.Capget(&header, &data[0]) == nil && data[capability/32].Effective&(1<<(capability%32)) != 0
}
