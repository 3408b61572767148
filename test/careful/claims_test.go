// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Another sockops program that sets the socket's flags, as several in the field
// do, takes our call at CLOSE away. The wrapper still hears of the end.
func TestALostCloseCallbackLeavesNothingClaimed(t *testing.T) {
	onSides(t, func(t *testing.T, on side, cc string) {
		s := newStage(t, scene.MidPath)
		peer := s.Client.Addr(on.ipv6)
		saved := s.BDP()
		saved.Peer = peer
		s.Put(t, saved)
		clobbered(t, func() {
			p := s.from(t, on, cc)
			s.Silence(t, p)
			p.Start(400_000)
			s.Events.Change(t, p, "unvalidated")
			check.Must(t, scene.Abort(p.Client))
			check.Must(t, scene.Abort(p.Server))
		})
		check.Eventually(t, scene.Patience, "a free entry", func() bool { return s.Entry(t, peer).State == pathstore.StateFree })
		s.Capture(nil)
		for range 2 { // as it stands, then as it is reported anew
			next := s.from(t, on, cc)
			next.Send(t, 200_000)
			check.Same(t, "story of the next", s.Events.Story(next)[:1], []string{jumps})
			next.Reset(t)
			s.Put(t, saved)
		}
	})
}

// Mode exact claims at ESTABLISHED, and its window has served once it was sent.
func TestALostCloseCallbackLeavesNothingClaimedByExact(t *testing.T) {
	for name, size := range map[string]int{"before the window was sent": 10_000, "after": 600_000} {
		for _, cc := range scene.Controls {
			t.Run(name+" "+cc, func(t *testing.T) {
				s := newStage(t, scene.MidPath)
				saved := s.BDP()
				saved.Mode = resume.ModeExact
				s.Put(t, saved)
				clobbered(t, func() {
					p := s.Open(t, cc, lab.DialSpec{})
					p.Send(t, size)
					p.Reset(t)
				})
				check.Eventually(t, scene.Patience, "a spent entry", func() bool { return s.Entry(t, s.Client.IPv4).State == pathstore.StateSpent })
			})
		}
	}
}

// A process that keeps its dead socket lets the wrapper hear of nothing either.
func TestADeadJumperThatIsKeptBlocksNobody(t *testing.T) {
	onSides(t, func(t *testing.T, on side, cc string) {
		s := newStage(t, scene.MidPath)
		saved := s.BDP()
		saved.Peer = s.Client.Addr(on.ipv6)
		s.Put(t, saved)
		clobbered(t, func() {
			p := s.from(t, on, cc)
			s.Silence(t, p)
			p.Start(400_000)
			s.Events.Change(t, p, "unvalidated")
			if s.Entry(t, saved.Peer).Jumper == 0 {
				t.Error("no jumper while one jumps")
			}
			check.Must(t, scene.Abort(p.Client))
			t.Cleanup(func() { check.Must(t, scene.Abort(p.Server)) })
		})
		s.Capture(nil)
		s.Put(t, saved)
		check.Eventually(t, scene.Patience, "no jumper", func() bool { return s.Entry(t, saved.Peer).Jumper == 0 })
		next := s.from(t, on, cc)
		next.Send(t, 200_000)
		check.Same(t, "story of the next", s.Events.Story(next)[:1], []string{jumps})
		next.Reset(t)
	})
}

// Whoever vanished without a word blocks nobody for longer than the claim says.
func TestAnOldJumpIsVoid(t *testing.T) {
	const vanished = 4711
	s := newStage(t, scene.MidPath)
	for _, ipv6 := range []bool{false, true} {
		peer := s.Client.Addr(ipv6)
		key := bytecode.KernelResumePeer{Addr: resume.DefaultPolicy().MaskPeer(peer).As16()}
		for left, want := range map[time.Duration]string{10 * time.Second: inUse, 0: jumps} {
			t.Run(family(ipv6)+" "+left.String(), func(t *testing.T) {
				saved := s.BDP()
				saved.Peer = peer
				s.Put(t, saved)
				held := bytecode.KernelResumeJump{Cookie: vanished, UntilNs: bootTime(t, left)}
				jumpers := pinned(t, bytecode.KernelMapResumeJumps)
				check.Must(t, jumpers.Put(&key, &held))
				defer jumpers.Delete(&key)
				holder := uint64(0)
				if want == inUse {
					holder = vanished
				}
				check.Same(t, "jumper that get shows", s.Entry(t, peer).Jumper, holder)
				p := s.from(t, side{ipv6, "passive"}, "cubic")
				p.Send(t, 200_000)
				check.Same(t, "story", s.Events.Story(p)[:1], []string{want})
				p.Reset(t)
			})
		}
	}
}

func TestAnOldClaimIsVoid(t *testing.T) {
	const vanished = 4711
	s := newStage(t, scene.MidPath)
	for name, c := range map[string]struct {
		mode   resume.Mode
		age    time.Duration
		state  pathstore.State
		counts map[string]uint64
	}{
		"young":                          {resume.ModeCareful, 590 * time.Second, pathstore.StateInUse, map[string]uint64{"already_in_use": 1, "resumed": 0}},
		"old":                            {resume.ModeCareful, 610 * time.Second, pathstore.StateFree, map[string]uint64{"already_in_use": 0, "resumed": 1}},
		"old, which may have been exact": {resume.ModePolicy, 610 * time.Second, pathstore.StateSpent, map[string]uint64{"already_in_use": 1, "resumed": 0}},
	} {
		t.Run(name, func(t *testing.T) {
			saved := s.BDP()
			saved.Mode = c.mode
			s.Put(t, saved)
			rewrite(t, s.Client.IPv4, func(val *bytecode.KernelResumePath) {
				val.Claim, val.ClaimedS = vanished, uint32(bootTime(t, -c.age)/uint64(time.Second))
			})
			check.Same(t, "state that get shows", s.Entry(t, s.Client.IPv4).State, c.state)
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			s.Counted(t, c.counts)
			p.Send(t, 3_000_000)
			p.Reset(t)
			want := resume.SourceLearnt // over what nobody holds any more
			if c.state == pathstore.StateInUse {
				want = resume.SourceOperator
			}
			check.Same(t, "source of what stands", s.Entry(t, s.Client.IPv4).Source, want)
		})
	}
}

// clobbered runs f beside a program that clears the flags of each connection as it begins.
func clobbered(t *testing.T, f func()) {
	t.Helper()
	op := asm.R2
	spec := &ebpf.ProgramSpec{Type: ebpf.SockOps, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(op, asm.R1, 0, asm.Word),
		asm.JEq.Imm(op, 4, "clear"), // BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB
		asm.JNE.Imm(op, 5, "out"),   // BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("clear"),
		asm.Mov.Imm(asm.R2, 0),
		asm.FnSockOpsCbFlagsSet.Call(),
		asm.Mov.Imm(asm.R0, 1).WithSymbol("out"),
		asm.Return(),
	}}
	prog, err := ebpf.NewProgram(spec)
	check.Must(t, err)
	defer prog.Close()
	attached, err := link.AttachCgroup(link.CgroupOptions{Path: loaded.Cgroup.Path(), Attach: ebpf.AttachCGroupSockOps, Program: prog})
	check.Must(t, err)
	defer attached.Close()
	f()
}
