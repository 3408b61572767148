// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// RenoAnywhere is Reno's wrapper for tests that register it by themselves: it
// lacks the one operation whose form depends on the kernel.
func RenoAnywhere() (*ebpf.CollectionSpec, error) {
	spec, err := bytecode.LoadReno()
	if err != nil {
		return nil, err
	}
	delete(spec.Programs, bytecode.RenoProgRenoTxStart)
	return spec, nil
}
