// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Dropin is what the maps of the original fallback system hold at key 0.
type Dropin struct {
	Cwnd     resume.Bytes `json:"cwnd"`
	Ssthresh resume.Bytes `json:"ssthresh"`
	Fallback uint32       `json:"fallback"`
}

// Dropin reads the three maps; what is not set is 0.
func (s *Store) Dropin() (Dropin, error) {
	var d Dropin
	for name, to := range map[string]any{
		bytecode.KernelMapCwndMap:     &d.Cwnd,
		bytecode.KernelMapSSThreshMap: &d.Ssthresh,
		bytecode.KernelMapFallbackMap: &d.Fallback,
	} {
		if err := s.maps[name].Lookup(uint32(0), to); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return d, fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return d, nil
}

// SetDraining asks connections that still resume to give their sockets back at their next ACK.
func (s *Store) SetDraining(on bool) error {
	var control bytecode.KernelResumeControl
	if on {
		control.Draining = 1
	}
	if err := s.maps[bytecode.KernelMapResumeControl].Put(uint32(0), &control); err != nil {
		return fmt.Errorf("writing %s: %w", bytecode.KernelMapResumeControl, err)
	}
	return nil
}
