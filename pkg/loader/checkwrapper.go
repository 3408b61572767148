// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

// windowOnly is what a connection gets whose congestion control has no wrapper.
const windowOnly = "its connections get the stored cwnd only: no ssthresh, no pacing, no careful"

func checkOperations(kernel *btf.Spec) Finding {
	old, err := olderOperations(kernel)
	if err != nil {
		return Finding{operationsType, Warning, err.Error(), "without wrappers connections get the stored cwnd only"}
	}
	return Finding{operationsType, OK, describeOperations(old), ""}
}

// check looks whether one congestion control can be wrapped, and names each
// function and operation that the running kernel lacks. Nothing is registered.
func (w wrapper) check(kernel *btf.Spec) Finding {
	available, err := congestionControl(w.cc)
	if err != nil {
		return Finding{w.cc, Problem, err.Error(), ""}
	}
	module, err := moduleTypes(w.module(), available, kernel)
	switch {
	case errors.Is(err, errNoModule):
		return Finding{w.cc, Warning, "neither in this kernel nor among its modules", "boot a kernel with it; " + windowOnly}
	case err != nil:
		return Finding{w.cc, Warning, "its module cannot be read: " + err.Error(), "\"tcpresume up\" says whether it can be wrapped"}
	}
	if err := checkModuleTypes(w.module(), module); err != nil {
		return Finding{w.cc, Warning, err.Error(), "boot Linux 6.12, or 7.2 or newer, of Debian; " + windowOnly}
	}
	spec, err := w.fitted(kernel)
	if err != nil {
		return Finding{w.cc, Warning, err.Error(), windowOnly}
	}
	if module == nil && !available {
		return Finding{w.cc, OK, "a module that \"tcpresume up\" loads, which then says whether it can be wrapped", ""}
	}
	if lacking := missing(spec, kernel, module); len(lacking) > 0 {
		return Finding{w.cc, Warning, "cannot be wrapped: this kernel lacks " + strings.Join(lacking, ", "), windowOnly}
	}
	if !available {
		return Finding{w.cc, OK, "a module that \"tcpresume up\" loads", ""}
	}
	if err := tryPrograms(spec); err != nil {
		return w.refused(spec, err)
	}
	return Finding{w.cc, OK, "can be wrapped", ""}
}

// refused names what the kernel describes but does not let BPF programs call.
func (w wrapper) refused(spec *ebpf.CollectionSpec, whole error) Finding {
	if isRights(whole) {
		return Finding{w.cc, Warning, "not tried: " + whole.Error(), ""}
	}
	var names []string
	for name, prog := range spec.Programs {
		one := spec.Copy()
		one.Programs = map[string]*ebpf.ProgramSpec{name: prog}
		if tryPrograms(one) != nil {
			names = append(names, kfuncs(prog)...)
		}
	}
	if len(names) == 0 {
		return Finding{w.cc, Warning, "cannot be wrapped: " + whole.Error(), windowOnly}
	}
	slices.Sort(names)
	detail := "cannot be wrapped: this kernel refuses programs that call " + strings.Join(slices.Compact(names), ", ") + ": " + whole.Error()
	remedy := windowOnly
	if runtime.GOARCH != "amd64" {
		remedy = "before Linux 6.10 only x86 kernels let programs call cubic and bbr; " + remedy
	}
	return Finding{w.cc, Warning, detail, remedy}
}

// missing names the operations and functions of a fitted object that neither
// the kernel nor the module describes.
func missing(spec *ebpf.CollectionSpec, kernel, module *btf.Spec) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(spec.Programs)) {
		prog := spec.Programs[name]
		member := strings.TrimPrefix(prog.AttachTo, operationsType+":")
		if params, err := operationParams(kernel, member); err == nil && params == absent {
			all = append(all, operationsType+"."+member)
		}
		for _, function := range kfuncs(prog) {
			if !describes(kernel, function) && !describes(module, function) {
				all = append(all, "kfunc "+function)
			}
		}
	}
	return all
}

func describes(types *btf.Spec, function string) bool {
	var f *btf.Func
	return types != nil && !errors.Is(types.TypeByName(function, &f), btf.ErrNotFound)
}

// kfuncs are the kernel's functions that a program calls.
func kfuncs(prog *ebpf.ProgramSpec) (all []string) {
	for i := range prog.Instructions {
		if ins := &prog.Instructions[i]; ins.IsKfuncCall() && !slices.Contains(all, ins.Reference()) {
			all = append(all, ins.Reference())
		}
	}
	return all
}

// tryPrograms loads an object's programs and lets go of them. Without its
// struct_ops map nothing can be registered by it.
func tryPrograms(spec *ebpf.CollectionSpec) error {
	spec = spec.Copy()
	maps.DeleteFunc(spec.Maps, func(_ string, m *ebpf.MapSpec) bool { return m.Type == ebpf.StructOpsMap })
	loaded, err := ebpf.NewCollection(spec)
	if err != nil {
		return verdict(err)
	}
	loaded.Close()
	return nil
}
