// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// bootNow is the clock of every lifetime: it goes on in suspend and never
// jumps. It is the kernel's own, also in a time namespace, where this process
// reads another one (time_namespaces(7)): an entry that is stored with that
// would expire days early or late.
func bootNow() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err) // the kernel has had this clock since 2.6.39
	}
	return uint64(ts.Nano() - int64(bootOffset()))
}

// olderThan is older_than of bpf/age.h: a time that lies as far ahead is as wrong.
func olderThan(at, now uint64, age time.Duration) bool {
	return time.Duration(now-at).Abs() > age
}

// bootOffset is what the time namespace of this process adds to the clock.
var bootOffset = sync.OnceValue(func() time.Duration {
	ours, err1 := os.Readlink("/proc/self/ns/time")
	shown, err2 := os.Readlink("/proc/self/ns/time_for_children")
	if err1 != nil || err2 != nil || ours != shown {
		return 0 // a kernel without them (before Linux 5.6), or offsets that are not ours yet
	}
	text, err := os.ReadFile("/proc/self/timens_offsets")
	if err != nil {
		return 0
	}
	return parseBootOffset(text)
})

func parseBootOffset(text []byte) time.Duration {
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var seconds, nanoseconds int64
		if n, _ := fmt.Sscanf(lines.Text(), "boottime %d %d", &seconds, &nanoseconds); n == 2 {
			return time.Duration(seconds)*time.Second + time.Duration(nanoseconds)
		}
	}
	return 0
}
