// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// ErrForeignLayout is wrapped by errors about maps of another version or another program.
var ErrForeignLayout = errors.New("foreign map layout")

var kernelSpec = sync.OnceValues(bytecode.LoadKernel)

// CheckLayout compares a map with the one in this build's object: kind and
// sizes, then each field's name, offset and size by BTF. Reading BTF takes
// CAP_SYS_ADMIN; without it kind and sizes must do.
func CheckLayout(name string, m *ebpf.Map) error {
	spec, err := kernelSpec()
	if err != nil {
		return err
	}
	want, ok := spec.Maps[name]
	if !ok {
		return fmt.Errorf("map %s is unknown to this build", name)
	}
	want = want.Copy()
	want.MaxEntries = m.MaxEntries() // capacity is the loader's choice
	if err := want.Compatible(m); err != nil {
		return fmt.Errorf("%w: map %s: %w; load the matching version of tcpresume", ErrForeignLayout, name, err)
	}
	have, err := mapTypes(m)
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("map %s: %w", name, err)
	}
	for _, typ := range []btf.Type{want.Key, want.Value} {
		if err := compareStruct(typ, have); err != nil {
			return fmt.Errorf("%w: map %s: %w; load the matching version of tcpresume", ErrForeignLayout, name, err)
		}
	}
	return nil
}

// mapTypes returns the types of the object that the map came from; nil if it carries none.
func mapTypes(m *ebpf.Map) (*btf.Spec, error) {
	info, err := m.Info()
	if err != nil {
		return nil, err
	}
	id, ok := info.BTFID()
	if !ok {
		return nil, nil
	}
	handle, err := btf.NewHandleFromID(id)
	if err != nil {
		return nil, fmt.Errorf("reading its BTF: %w", err)
	}
	defer handle.Close()
	return handle.Spec(nil)
}

func compareStruct(want btf.Type, have *btf.Spec) error {
	wanted, ok := want.(*btf.Struct)
	if !ok || have == nil {
		return nil // integers: their sizes were compared
	}
	var found *btf.Struct
	if err := have.TypeByName(wanted.Name, &found); err != nil {
		return fmt.Errorf("struct %s: %w", wanted.Name, err)
	}
	if a, b := fields(wanted), fields(found); a != b {
		return fmt.Errorf("struct %s is {%s} there, {%s} here", wanted.Name, b, a)
	}
	return nil
}

func fields(s *btf.Struct) string {
	texts := make([]string, len(s.Members))
	for i, member := range s.Members {
		size, _ := btf.Sizeof(member.Type)
		texts[i] = fmt.Sprintf("%s@%d:%d", member.Name, member.Offset.Bytes(), size)
	}
	return strings.Join(texts, " ")
}
