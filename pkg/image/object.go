// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// ErrNotBPF is returned for content that is no BPF object.
var ErrNotBPF = errors.New("not a BPF object")

// ByteOrder is that of the machines that can load an object.
type ByteOrder string

// The byte orders for which BPF is compiled.
const (
	LittleEndian ByteOrder = "little"
	BigEndian    ByteOrder = "big"
)

func (o ByteOrder) binary() binary.ByteOrder {
	if o == BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// Object is a compiled BPF object and what its ELF sections hold.
type Object struct {
	Content  []byte
	Order    ByteOrder
	Programs map[string]string // name to type, as bpfman spells types
	Maps     map[string]string // likewise
}

// BuiltIn returns the object of this build, little-endian first.
func BuiltIn() ([]Object, error) {
	var objects []Object
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		object, err := ParseObject(bytecode.KernelObject(order))
		if err != nil {
			return nil, fmt.Errorf("the built-in object: %w", err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// ParseObject reads an ELF file; the error is ErrNotBPF if it is none for BPF.
func ParseObject(content []byte) (Object, error) {
	order, err := objectOrder(content)
	if err != nil {
		return Object{}, err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(content))
	if err != nil {
		return Object{}, fmt.Errorf("%w: %w", ErrNotBPF, err)
	}
	object := Object{Content: content, Order: order, Programs: map[string]string{}, Maps: map[string]string{}}
	for name, program := range spec.Programs {
		if !utf8.ValidString(name) {
			return Object{}, fmt.Errorf("%w: a program is named %q, which no label can say; use UTF-8", ErrNotBPF, name)
		}
		object.Programs[name] = programType(program)
	}
	for name, m := range spec.Maps {
		if !utf8.ValidString(name) {
			return Object{}, fmt.Errorf("%w: a map is named %q, which no label can say; use UTF-8", ErrNotBPF, name)
		}
		if !strings.HasPrefix(name, ".") { // .rodata and its like belong to the loader
			object.Maps[name] = mapType(m.Type)
		}
	}
	if len(object.Programs) == 0 {
		return Object{}, fmt.Errorf("%w: it holds no program", ErrNotBPF)
	}
	return object, nil
}

// objectOrder checks what bpfman checks before it hands an object to its loader.
func objectOrder(content []byte) (ByteOrder, error) {
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return "", fmt.Errorf("%w: not an ELF file", ErrNotBPF)
	}
	defer file.Close()
	switch {
	case file.Machine != elf.EM_BPF:
		return "", fmt.Errorf("%w: an ELF file for %s", ErrNotBPF, file.Machine)
	case file.Type != elf.ET_REL:
		return "", fmt.Errorf("%w: an ELF file of type %s, not ET_REL", ErrNotBPF, file.Type)
	case file.Data == elf.ELFDATA2MSB:
		return BigEndian, nil
	}
	return LittleEndian, nil
}

func sameContents(a, b Object) bool {
	return maps.Equal(a.Programs, b.Programs) && maps.Equal(a.Maps, b.Maps)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
