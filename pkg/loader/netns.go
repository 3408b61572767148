// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/netns"
)

// NetnsCookie returns the cookie by which the kernel keys a network namespace,
// given as a file (/run/netns/name, /proc/PID/ns/net) or as the number itself.
func NetnsCookie(text string) (uint64, error) {
	if cookie, err := strconv.ParseUint(text, 10, 64); err == nil {
		return cookie, nil
	}
	ns, err := os.Open(text)
	if err != nil {
		return 0, fmt.Errorf("network namespace %q: %w; give a file such as /run/netns/NAME or a cookie", text, err)
	}
	defer ns.Close()
	var cookie uint64
	err = netns.In(ns, func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	if err == nil && cookie == 0 {
		err = errors.New("it is not a network namespace")
	}
	if err != nil {
		return 0, fmt.Errorf("network namespace %q: %w", text, err)
	}
	return cookie, nil
}
