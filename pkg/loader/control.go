// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// errForeignTypes: a function of such a module takes a struct sock that is not
// the kernel's, so that the verifier refuses every call.
var errForeignTypes = errors.New("this kernel's module cannot be wrapped: its BTF is not deduplicated and brings a struct sock of its own, as tcp_bbr does in Debian's packages of Linux 6.17, 6.18, 7.0 and 7.1")

// module is the one that may hold the wrapped congestion control.
func (w wrapper) module() string { return "tcp_" + w.cc }

// prepare loads the wrapped congestion control where the distribution ships it
// as a module, as bbr: the loader of programs does not do it for the functions
// that they call.
func (w wrapper) prepare(kernel *btf.Spec) error {
	there, err := congestionControl(w.cc)
	if err != nil {
		return err
	}
	if !there {
		if out, err := exec.Command("modprobe", w.module()).CombinedOutput(); err != nil {
			return fmt.Errorf("the kernel has no %s: modprobe %s: %w %s", w.cc, w.module(), err, strings.TrimSpace(string(out)))
		}
	}
	return w.checkModule(kernel)
}

// checkModule refuses the loaded module that cannot be wrapped.
func (w wrapper) checkModule(kernel *btf.Spec) error {
	module, err := loadedModule(w.module(), kernel)
	if err != nil {
		return err
	}
	return checkModuleTypes(w.module(), module)
}

// checkModuleTypes refuses a module that has a struct of its own where its
// functions take the kernel's sockets. Nil: nothing is known against it.
func checkModuleTypes(name string, module *btf.Spec) error {
	if module == nil {
		return nil
	}
	var own *btf.Struct
	if err := module.TypeByName("sock", &own); errors.Is(err, btf.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("%s: %w", name, errForeignTypes)
}

// fitted is the wrapper's object with the programs that the running kernel calls.
func (w wrapper) fitted(kernel *btf.Spec) (*ebpf.CollectionSpec, error) {
	spec, err := w.load()
	if err != nil {
		return nil, err
	}
	return spec, fit(spec, kernel)
}

func congestionControl(name string) (bool, error) {
	list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err != nil {
		return false, err
	}
	return slices.Contains(strings.Fields(string(list)), name), nil
}
