// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/kernels/record"
)

var mounts = []struct{ from, at, kind string }{
	{"proc", "/proc", "proc"},
	{"sysfs", "/sys", "sysfs"},
	{"devtmpfs", "/dev", "devtmpfs"},
	{"tmpfs", "/tmp", "tmpfs"},
	{"cgroup2", "/sys/fs/cgroup", "cgroup2"},
	{"bpf", "/sys/fs/bpf", "bpf"},
}

// furnish makes what a distribution has made by the time that anybody logs in.
func furnish() error {
	for _, m := range mounts {
		if err := unix.Mount(m.from, m.at, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", m.at, err)
		}
	}
	for name, value := range map[string]string{"PATH": "/bin", "HOME": "/root", "TMPDIR": "/tmp"} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	// tcp_bbr is left to the loader, which must manage by itself.
	if out, err := exec.Command("modprobe", "tun").CombinedOutput(); err != nil {
		return fmt.Errorf("modprobe tun: %w %s", err, out)
	}
	return nil
}

// openPort keeps the terminal from changing what is written to it.
func openPort() (*os.File, error) {
	port, err := os.OpenFile(record.Port, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	settings, err := unix.IoctlGetTermios(int(port.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", port.Name(), err)
	}
	settings.Oflag &^= unix.OPOST
	settings.Lflag &^= unix.ECHO | unix.ICANON
	return port, unix.IoctlSetTermios(int(port.Fd()), unix.TCSETS, settings)
}
