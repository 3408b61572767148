// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

const foreignName = "foreign_rwnd"

func TestAnExclusiveProgramIsNamed(t *testing.T) {
	for _, at := range []string{"same cgroup", "parent"} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t)
			where := w.Cgroup
			if at == "parent" {
				w.Cgroup = child(t, where)
				w.Options.Cgroup = w.Cgroup.Path()
			}
			prog := foreignProgram(t)
			attachLegacy(t, where, prog, 0)
			before := pins(t)

			_, err := loader.Up(check.Background(t), w.Options)
			if !errors.Is(err, loader.ErrForeign) {
				t.Fatalf("got %v, want %v", err, loader.ErrForeign)
			}
			info, infoErr := prog.Info()
			check.Must(t, infoErr)
			id, _ := info.ID()
			remedy := fmt.Sprintf("bpftool cgroup detach %s sock_ops id %d", where.Path(), id)
			for _, part := range []string{foreignName, where.Path(), fmt.Sprintf("pid %d", os.Getpid()), remedy} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not name %q: %v", part, err)
				}
			}
			check.Same(t, "pins", pins(t), before)
			w.unregistered(t)

			words := strings.Fields(remedy)
			if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v %s", remedy, err, out)
			}
			w.up(t)
		})
	}
}

// What another program answered for the socket must not be changed by ours,
// whichever of the two the kernel asks first.
func TestForeignProgramsGoOn(t *testing.T) {
	const cwnd = 100_000
	for name, attach := range map[string]func(*testing.T, *world, *ebpf.Program){
		"same cgroup": func(t *testing.T, w *world, prog *ebpf.Program) {
			attachLegacy(t, w.Cgroup, prog, unix.BPF_F_ALLOW_MULTI)
		},
		"parent": func(t *testing.T, w *world, prog *ebpf.Program) {
			attachLegacy(t, w.Cgroup, prog, unix.BPF_F_ALLOW_MULTI)
			w.Cgroup = child(t, w.Cgroup)
			w.Options.Cgroup = w.Cgroup.Path()
		},
		"child": func(t *testing.T, w *world, prog *ebpf.Program) {
			w.Cgroup = child(t, w.Cgroup)
			attachLegacy(t, w.Cgroup, prog, unix.BPF_F_ALLOW_MULTI)
		},
		"same cgroup, by a link": func(t *testing.T, w *world, prog *ebpf.Program) {
			l, err := link.AttachCgroup(link.CgroupOptions{Path: w.Cgroup.Path(), Attach: ebpf.AttachCGroupSockOps, Program: prog})
			check.Must(t, err)
			t.Cleanup(func() { l.Close() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			own := w.connect(t, "cubic")
			attach(t, w, foreignProgram(t))
			alone := scene.Info(t, w.connect(t, "cubic").server).Rcv_ssthresh
			if alone == scene.Info(t, own.server).Rcv_ssthresh {
				t.Fatalf("the foreign program changed nothing: receive window %d", alone)
			}
			w.up(t)
			w.store(t, resume.Path{Cwnd: cwnd})
			both := w.resumes(t, "cubic", cwnd)
			check.Same(t, "receive window by the foreign program", scene.Info(t, both.server).Rcv_ssthresh, alone)
			w.down(t)
			check.Same(t, "receive window once we are gone", scene.Info(t, w.connect(t, "cubic").server).Rcv_ssthresh, alone)
		})
	}
}

// foreignProgram answers one question only: how large the first receive window is.
func foreignProgram(t *testing.T) *ebpf.Program {
	t.Helper()
	const opOffset, replyOffset, rwndInit, segments = 0, 4, 2, 30
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: foreignName, Type: ebpf.SockOps, AttachType: ebpf.AttachCGroupSockOps, License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, opOffset, asm.Word),
			asm.JNE.Imm(asm.R2, rwndInit, "exit"),
			asm.Mov.Imm(asm.R3, segments),
			asm.StoreMem(asm.R1, replyOffset, asm.R3, asm.Word),
			asm.Mov.Imm(asm.R0, 1).WithSymbol("exit"),
			asm.Return(),
		},
	})
	check.Must(t, err)
	t.Cleanup(func() { prog.Close() })
	return prog
}

// attachLegacy attaches without a link; flags 0 shuts out every other program there and below.
func attachLegacy(t *testing.T, cgroup *lab.Cgroup, prog *ebpf.Program, flags uint32) {
	t.Helper()
	dir, err := os.Open(cgroup.Path())
	check.Must(t, err)
	t.Cleanup(func() { dir.Close() })
	check.Must(t, link.RawAttachProgram(link.RawAttachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupSockOps, Flags: flags}))
	t.Cleanup(func() {
		_ = link.RawDetachProgram(link.RawDetachProgramOptions{Target: int(dir.Fd()), Program: prog, Attach: ebpf.AttachCGroupSockOps})
	})
}

func child(t *testing.T, of *lab.Cgroup) *lab.Cgroup {
	t.Helper()
	cgroup, err := of.Child("child")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, cgroup.Remove()) })
	return cgroup
}
