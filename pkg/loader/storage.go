// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// withoutStorage is what follows from a kernel that keeps nothing beside a socket.
const withoutStorage = "no connection resumes and nothing is learnt; Linux 7.1 and newer need a processor with a 16-byte compare-and-exchange (cmpxchg16b on x86; riscv64 and ppc64le may have none): show it to the virtual machine, or boot an older kernel"

// tryStorage keeps a value beside a socket of its own, as programs do for each
// connection that resumes.
func tryStorage(m *ebpf.Map) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := m.Put(uint32(fd), make([]byte, m.ValueSize())); err != nil {
		return fmt.Errorf("this kernel makes no socket storage: %w", err)
	}
	return nil
}

func checkStorage() Finding {
	const check = "socket storage"
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return Finding{check, Problem, err.Error(), ""}
	}
	m, err := ebpf.NewMap(spec.Maps[bytecode.KernelMapResumeConns])
	if err == nil {
		defer m.Close()
		err = tryStorage(m)
	}
	switch {
	case err == nil:
		return Finding{check, OK, "made one", ""}
	case isRights(err), checkCapabilities().Status != OK: // then probing says that the kernel lacks a feature
		return Finding{check, Warning, "not tried: " + rights(errors.Join(err)).Error(), ""}
	}
	return Finding{check, Problem, err.Error(), withoutStorage}
}
