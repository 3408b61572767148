// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Of linux/bpf.h and linux/tcp.h, where packages have no names for them.
const (
	sockOpsPassiveEstablished = 5
	solTCP                    = 6
	tcpBPFIW                  = 1001
	tcpBPFSndCwndClamp        = 1002
)

// emptyProgram is what the kernel's own work around a sockops program costs.
func emptyProgram() asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, 1), asm.Return()}
}

// clampProgram sets cwnd and ssthresh as far as socket options can.
func clampProgram(segments int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // op
		asm.JNE.Imm(asm.R2, sockOpsPassiveEstablished, "out"),
		asm.StoreImm(asm.RFP, -8, int64(segments), asm.Word),

		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, solTCP),
		asm.Mov.Imm(asm.R3, tcpBPFIW),
		asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, -8),
		asm.Mov.Imm(asm.R5, 4),
		asm.FnSetsockopt.Call(),

		asm.Mov.Reg(asm.R1, asm.R6),
		asm.Mov.Imm(asm.R2, solTCP),
		asm.Mov.Imm(asm.R3, tcpBPFSndCwndClamp),
		asm.Mov.Reg(asm.R4, asm.RFP), asm.Add.Imm(asm.R4, -8),
		asm.Mov.Imm(asm.R5, 4),
		asm.FnSetsockopt.Call(),

		asm.Mov.Imm(asm.R0, 1).WithSymbol("out"),
		asm.Return(),
	}
}

// rival is a sockops program on a cgroup of its own.
type rival struct {
	cgroup  *lab.Cgroup
	program *ebpf.Program
	link    link.Link
}

// attachTo makes a cgroup and, if there are any, runs the instructions on it.
func attachTo(name string, instructions asm.Instructions) (_ *rival, err error) {
	r := &rival{}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if r.cgroup, err = lab.NewCgroup("bench-" + name); err != nil || instructions == nil {
		return r, err
	}
	r.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: name, Type: ebpf.SockOps, AttachType: ebpf.AttachCGroupSockOps, License: "Apache-2.0", Instructions: instructions,
	})
	if err != nil {
		return r, err
	}
	r.link, err = link.AttachCgroup(link.CgroupOptions{Path: r.cgroup.Path(), Attach: ebpf.AttachCGroupSockOps, Program: r.program})
	return r, err
}

// Close detaches the program and removes the cgroup.
func (r *rival) Close() error {
	var errs []error
	if r.link != nil {
		errs = append(errs, r.link.Close())
	}
	if r.program != nil {
		errs = append(errs, r.program.Close())
	}
	if r.cgroup != nil {
		errs = append(errs, r.cgroup.Remove())
	}
	return errors.Join(errs...)
}
