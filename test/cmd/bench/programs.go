// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"strings"

	"github.com/cilium/ebpf"
)

// wrapperPrograms are those of a wrapper: their names begin with "cubic_", "reno_" or "bbr_".
func wrapperPrograms(wrapperName string) ([]*ebpf.Program, error) {
	var found []*ebpf.Program
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, ebpf.ErrKeyNotExist) || err != nil && len(found) > 0 {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		id = next
		program, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // it has just gone
		}
		info, err := program.Info()
		if err == nil && info.Type == ebpf.StructOps && strings.HasPrefix(info.Name, wrapperName) {
			found = append(found, program)
			continue
		}
		program.Close()
	}
}

func (l *loopback) statistics() ([]ebpf.ProgramStats, error) {
	all := make([]ebpf.ProgramStats, len(l.programs))
	for i, program := range l.programs {
		stats, err := program.Stats()
		if err != nil {
			return nil, err
		}
		all[i] = *stats
	}
	return all, nil
}
