// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Private is Isolate for what registers nothing in the kernel: it has a bpffs
// of its own and does not wait for others.
func Private(f func() int) {
	if os.Getenv(isolatedEnv) == "" {
		os.Exit(reexec())
	}
	if err := unix.Mount("bpf", "/sys/fs/bpf", "bpf", 0, ""); err != nil {
		fmt.Fprintf(os.Stderr, "mounting a private bpffs: %v; run as root\n", err)
		os.Exit(1)
	}
	os.Exit(f())
}

// PinMaps makes the maps without any program and pins them in a new directory.
func PinMaps(dir string, maxPaths uint32) error {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range pathstore.Maps {
		shape := spec.Maps[name]
		if name == bytecode.KernelMapResumePaths {
			shape.MaxEntries = maxPaths
		}
		m, err := ebpf.NewMap(shape)
		if err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
		err = m.Pin(filepath.Join(dir, name))
		m.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
