// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// foreignControl registers a congestion control that no wrapper is for: Reno
// with another name. The kernel itself may offer none besides the wrapped ones.
func foreignControl(t testing.TB) string {
	t.Helper()
	const name = "foreign_cc"
	spec, err := rig.RenoAnywhere()
	check.Must(t, err)
	ops := spec.Maps[bytecode.RenoMapResumeReno]
	ours := append([]byte(ops.Name), make([]byte, 16-len(ops.Name))...)
	theirs := append([]byte(name), make([]byte, 16-len(name))...)
	value := ops.Contents[0].Value.([]byte)
	if !bytes.Contains(value, ours) {
		t.Fatalf("no name %q in the congestion control's structure", ops.Name)
	}
	ops.Contents[0].Value = bytes.Replace(value, ours, theirs, 1)
	ops.Name = name
	const byLink = 1 << 13 // BPF_F_LINK, since Linux 6.4; without it, loading registers
	ops.Flags &^= byLink
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	t.Cleanup(func() {
		check.Must(t, coll.Maps[bytecode.RenoMapResumeReno].Delete(uint32(0)))
		coll.Close()
	})
	return name
}
