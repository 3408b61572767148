// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrBusy is wrapped by errors about another process that works on the same pins.
var ErrBusy = errors.New("another tcpresume is at work")

// lock makes one process at a time the keeper of a pin directory. The kernel
// drops it with the process, however that ends.
type lock struct{ dir *os.File }

func acquire(pins string) (*lock, error) {
	dir, err := os.Open(pins)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		dir.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w on %s (pid %d); wait for it, or stop it: what it loaded stays in the kernel", ErrBusy, pins, lockHolder(pins))
		}
		return nil, fmt.Errorf("locking %s: %w", pins, err)
	}
	return &lock{dir: dir}, nil
}

func (l *lock) release() error { return l.dir.Close() }

// lockHolder is the pid of the process that holds the lock; 0 if none does.
func lockHolder(pins string) int {
	info, err := os.Stat(pins)
	if err != nil {
		return 0
	}
	stat := info.Sys().(*syscall.Stat_t)
	want := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer locks.Close()
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		// 1: FLOCK ADVISORY WRITE 8471 00:27:23658 0 EOF
		if words := strings.Fields(lines.Text()); len(words) > 5 && words[1] == "FLOCK" && words[5] == want {
			pid, _ := strconv.Atoi(words[4])
			return pid
		}
	}
	return 0
}
