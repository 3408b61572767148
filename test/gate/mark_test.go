// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// markCE marks each packet that arrives at the host as a congested router
// would, until unmark is called.
func markCE(t testing.TB, host *lab.Host) (unmark func()) {
	t.Helper()
	const next = -1 // TCX_NEXT: to the stack
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS,
		Instructions: asm.Instructions{
			asm.FnSkbEcnSetCe.Call(),
			asm.Mov.Imm(asm.R0, next),
			asm.Return(),
		},
		License: "GPL",
	})
	check.Must(t, err)
	defer prog.Close()
	check.Must(t, host.Do(func() error {
		device, err := net.InterfaceByName("path")
		if err != nil {
			return err
		}
		marking, err := link.AttachTCX(link.TCXOptions{Interface: device.Index, Program: prog, Attach: ebpf.AttachTCXIngress})
		if err == nil {
			unmark = func() { marking.Close() }
			t.Cleanup(unmark)
		}
		return err
	}))
	return unmark
}
