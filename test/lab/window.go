// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// openWindow is what a client's window is opened to, where the kernel is shy.
const openWindow = 16 << 20

// repairWindow is struct tcp_repair_window of linux/tcp.h.
type repairWindow struct {
	SndWl1, SndWnd, MaxWindow, RcvWnd, RcvWup uint32
}

// open lets the peer send all that the client's buffer takes. Newer kernels do so
// by themselves with the buffer of tune; Linux 6.1 begins with 64 KiB, and opens
// by two segments for each that arrives. The peer hears of it with the next ACK.
func open(conn *net.TCPConn) error {
	seen, err := TCPInfo(conn)
	if err != nil || seen.State != unix.BPF_TCP_ESTABLISHED || seen.Rcv_ssthresh >= openWindow {
		return err
	}
	return Control(conn, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, unix.TCP_REPAIR_ON); err != nil {
			return err
		}
		defer unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, unix.TCP_REPAIR_OFF_NO_WP)
		var window repairWindow
		size := uint32(unsafe.Sizeof(window))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR_WINDOW,
			uintptr(unsafe.Pointer(&window)), uintptr(unsafe.Pointer(&size)), 0)
		if errno != 0 {
			return errno
		}
		window.RcvWnd = openWindow
		_, _, errno = unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR_WINDOW,
			uintptr(unsafe.Pointer(&window)), uintptr(size), 0)
		if errno != 0 {
			return errno
		}
		return nil
	})
}
