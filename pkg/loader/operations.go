// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

const operationsType = "tcp_congestion_ops"

// operation is a member of tcp_congestion_ops that older kernels have in another
// form. The wrappers' objects are written for its newest one.
type operation struct {
	member string
	params int // of the newest form
	since  string
	before int               // params of the older form; absent: there was no such member
	older  map[string]string // programs of older.bpf.c, by those of the wrappers that they replace
}

const absent = -1

var operations = []operation{
	{member: "cong_control", params: 4, since: "6.10", before: 2, older: map[string]string{
		bytecode.BbrProgBbrControl: bytecode.OlderProgBbrControlTwo,
	}},
	{member: "cwnd_event_tx_start", params: 1, since: "7.1", before: absent, older: map[string]string{
		bytecode.CubicProgCubicTxStart: bytecode.OlderProgCubicEvent,
		bytecode.RenoProgRenoTxStart:   bytecode.OlderProgRenoEvent,
		bytecode.BbrProgBbrTxStart:     bytecode.OlderProgBbrEvent,
	}},
}

// fit puts into a wrapper's object the programs for the operations that the
// running kernel has, as its BTF describes them.
func fit(spec *ebpf.CollectionSpec, kernel *btf.Spec) error {
	old, err := olderOperations(kernel)
	if err != nil || len(old) == 0 {
		return err
	}
	object, err := bytecode.LoadOlder()
	if err != nil {
		return err
	}
	for _, o := range old {
		for name, older := range o.older {
			if _, used := spec.Programs[name]; used {
				spec.Programs[name] = object.Programs[older]
			}
		}
	}
	return nil
}

// olderOperations are those that the running kernel has in their older form.
func olderOperations(kernel *btf.Spec) (old []operation, err error) {
	for _, o := range operations {
		switch params, err := operationParams(kernel, o.member); {
		case err != nil:
			return nil, err
		case params == o.before:
			old = append(old, o)
		case params != o.params:
			return nil, fmt.Errorf("%s.%s takes %d arguments on this kernel, known are %d and %d; report this kernel's version",
				operationsType, o.member, params, o.params, max(o.before, 0))
		}
	}
	return old, nil
}

// operationParams counts the arguments of a member, or says that it is absent.
func operationParams(kernel *btf.Spec, member string) (int, error) {
	var ops *btf.Struct
	if err := kernel.TypeByName(operationsType, &ops); err != nil {
		return 0, err
	}
	i := slices.IndexFunc(ops.Members, func(m btf.Member) bool { return m.Name == member })
	if i < 0 {
		return absent, nil
	}
	if pointer, ok := btf.As[*btf.Pointer](ops.Members[i].Type); ok {
		if proto, ok := btf.As[*btf.FuncProto](pointer.Target); ok {
			return len(proto.Params), nil
		}
	}
	return 0, errors.New(operationsType + "." + member + " is not a function on this kernel")
}

// String tells what an older form is.
func (o operation) String() string {
	if o.before == absent {
		return fmt.Sprintf("no %s (Linux %s)", o.member, o.since)
	}
	return fmt.Sprintf("%s with %d arguments (%d since Linux %s)", o.member, o.before, o.params, o.since)
}

func describeOperations(old []operation) string {
	if len(old) == 0 {
		return "as of Linux 7.1"
	}
	var all []string
	for _, o := range old {
		all = append(all, o.String())
	}
	return strings.Join(all, ", ") + ": programs for these older forms are loaded, nothing is lost"
}
