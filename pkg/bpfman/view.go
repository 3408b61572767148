// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// view finds a bpffs of bpfman's that can be looked into: ours, or through
// /proc the one in the mount namespace of the daemon, where this process may
// see that. Empty: none.
func view(opts Options) string {
	if onBPFFS(bpffs(opts.Root)) {
		return opts.Root
	}
	pid := listener(opts.Socket)
	if pid == 0 {
		return ""
	}
	root := filepath.Join(fmt.Sprintf("/proc/%d/root", pid), opts.Root)
	if !onBPFFS(bpffs(root)) {
		return ""
	}
	return root
}

// pinMissing is true where bpfman's bpffs can be seen and holds no pin of the program.
func pinMissing(opts Options, id uint32) bool {
	root := view(opts)
	if root == "" {
		return false
	}
	_, err := os.Stat(programPin(root, id))
	return os.IsNotExist(err)
}

// listener is the process that listens on a Unix socket; 0 if it cannot be known.
func listener(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 0
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			pid = int(peer.Pid)
		}
	})
	return pid
}
