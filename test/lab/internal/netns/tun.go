// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// OpenTUN makes a TUN device inside the namespace and returns its non-blocking
// file descriptor, from which whole IP packets are read and to which they are
// written. The device lives as long as the descriptor.
//
// The device offers the kernel no offload, so the kernel cuts large sends into
// packets of the device's MTU and fills in checksums before a packet is read.
func (n *Namespace) OpenTUN(name string) (int, error) {
	fd := -1
	err := n.Do(func() error {
		var err error
		fd, err = openTUN(name)
		return err
	})
	return fd, err
}

func openTUN(name string) (int, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return -1, fmt.Errorf("tun device name %q (use at most 15 bytes): %w", name, err)
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/net/tun (is the tun module loaded?): %w", err)
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("make tun device %q (CAP_NET_ADMIN is needed): %w", name, err)
	}
	return fd, nil
}
