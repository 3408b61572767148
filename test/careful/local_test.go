// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// A packet that this host's own queue dropped or was about to says nothing of the
// path: the window shrinks, as the stack has it, and the set stays.
func TestLocalCongestionKeepsTheSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	full := fullQueue(t, s.Rig.Cgroup)
	for _, cc := range scene.Controls {
		for _, ecn := range []string{"0", "1"} {
			t.Run(cc+" ecn "+ecn, func(t *testing.T) {
				for _, host := range []*lab.Host{s.Client, s.Server} {
					check.Must(t, host.Sysctl("net.ipv4.tcp_ecn", ecn))
				}
				check.Must(t, s.Forget(s.Client.IPv4))
				s.Put(t, s.BDP())
				p := s.Greeted(t, cc, lab.DialSpec{})
				sent := 0
				s.Capture(func(packet lab.Packet) {
					sent += packet.Payload
					full(sent > 30_000 && sent < 40_000)
				})
				defer s.Capture(nil)
				p.Send(t, 1_000_000)
				retreat := s.Events.Change(t, p, "safe_retreat")
				check.Same(t, "trigger", retreat.Trigger, "local_congestion")
				check.Between(t, "window", retreat.Cwnd, 2, max(uint32(retreat.PipeSize)/2/retreat.MSS, 2))
				p.Reset(t)
				state := scene.StateOf(s.Entry(t, s.Client.IPv4))
				check.Same(t, "entry", state, scene.EntryState{State: pathstore.StateFree, Uses: 1})
			})
		}
	}
}

// fullQueue attaches a program that says of each packet of the cgroup, while it is
// told so, what a congested queue says: sent, but send less (NET_XMIT_CN).
func fullQueue(t *testing.T, cgroup *lab.Cgroup) (full func(bool)) {
	t.Helper()
	const pass, congested = uint32(1), uint32(3)
	verdict, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	check.Must(t, err)
	t.Cleanup(func() { verdict.Close() })
	check.Must(t, verdict.Put(uint32(0), pass))
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "GPL",
		Instructions: asm.Instructions{
			asm.StoreImm(asm.RFP, -4, 0, asm.Word),
			asm.LoadMapPtr(asm.R1, verdict.FD()),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -4),
			asm.FnMapLookupElem.Call(),
			asm.JNE.Imm(asm.R0, 0, "found"),
			asm.Mov.Imm(asm.R0, int32(pass)),
			asm.Return(),
			asm.LoadMem(asm.R0, asm.R0, 0, asm.Word).WithSymbol("found"),
			asm.And.Imm(asm.R0, int32(congested)),
			asm.Return(),
		},
	})
	check.Must(t, err)
	defer program.Close()
	attached, err := link.AttachCgroup(link.CgroupOptions{Path: cgroup.Path(), Attach: ebpf.AttachCGroupInetEgress, Program: program})
	check.Must(t, err)
	t.Cleanup(func() { attached.Close() })
	return func(is bool) {
		say := pass
		if is {
			say = congested
		}
		_ = verdict.Put(uint32(0), say)
	}
}
