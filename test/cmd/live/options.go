// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/rig"
)

// calls is how often an option is set and read in one run.
const calls = 200_000

// options measures what every other socket option costs where asks are allowed.
func options(r *rig.Rig) error {
	fmt.Fprintf(book, "\nTCP_NODELAY set and read %d times on a socket of the cgroup, medians of %d.\n", calls, max(*repeats, 5))
	fmt.Fprintln(book, "\n| asks | setsockopt | getsockopt |\n|---|---|---|")
	costs := make(map[bool][2][]time.Duration)
	for range max(*repeats, 5) {
		for _, allowed := range []bool{false, true} {
			set, get, err := optionsOnce(r, allowed)
			if err != nil {
				return err
			}
			costs[allowed] = [2][]time.Duration{append(costs[allowed][0], set), append(costs[allowed][1], get)}
		}
	}
	for allowed, name := range map[bool]string{false: "not allowed", true: "allowed"} {
		set, get := costs[allowed][0], costs[allowed][1]
		for i := range set {
			book.Add(float64(set[i].Nanoseconds())/calls, "ns", "live", "setsockopt", "asks "+name)
			book.Add(float64(get[i].Nanoseconds())/calls, "ns", "live", "getsockopt", "asks "+name)
		}
		slices.Sort(set)
		slices.Sort(get)
		fmt.Fprintf(book, "| %s | %d ns | %d ns |\n", name, set[len(set)/2].Nanoseconds()/calls, get[len(get)/2].Nanoseconds()/calls)
	}
	return nil
}

func optionsOnce(r *rig.Rig, allowed bool) (set, get time.Duration, err error) {
	if allowed {
		if _, err := loader.AllowAsk(r.Options, r.Cgroup.Path(), pathstore.AskRule{Mode: resume.ModeCareful}); err != nil {
			return 0, 0, err
		}
	}
	err = r.Cgroup.Run(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		begun := time.Now()
		for range calls {
			if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
				return err
			}
		}
		set = time.Since(begun)
		begun = time.Now()
		for range calls {
			if _, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY); err != nil {
				return err
			}
		}
		get = time.Since(begun)
		return nil
	})
	_, denying := loader.DenyAsk(r.Options, r.Cgroup.Path())
	if errors.Is(denying, pathstore.ErrNotFound) {
		denying = nil
	}
	return set, get, errors.Join(err, denying)
}
