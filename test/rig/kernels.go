// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// BrokenBBR is what up and doctor say of a kernel whose bbr module cannot be
// wrapped: no fault of a test, nor of tcpresume.
const BrokenBBR = "BTF is not deduplicated"

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
