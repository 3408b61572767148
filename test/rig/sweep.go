// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"strings"

	"github.com/cilium/ebpf"
)

// sweepRegistrations takes away congestion controls that a killed test
// registered by map: such a registration outlives every process and pin. Under
// the machine's lock nobody else's are there; one held by a link refuses.
func sweepRegistrations() {
	for id := ebpf.MapID(0); ; {
		next, err := ebpf.MapGetNextID(id)
		if err != nil {
			return
		}
		id = next
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			continue
		}
		if info, err := m.Info(); err == nil && info.Type == ebpf.StructOpsMap && strings.HasPrefix(info.Name, "resume_") {
			_ = m.Delete(uint32(0))
		}
		m.Close()
	}
}
