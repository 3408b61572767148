// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
)

// errOther is wrapped about programs that are none of ours.
var errOther = errors.New("not a program of tcpresume")

// program is a claim that the kernel has confirmed.
type program struct {
	*ebpf.Program
	Claim
	mode   loader.Mode
	tag    string
	loaded time.Duration // since boot
	maps   []ebpf.MapID
	pinned bool // its pin is visible from here
}

// openProgram takes the pin, for which a file's permission is enough, or else the id.
func openProgram(claim Claim, root string) (*program, error) {
	prog, err := ebpf.LoadPinnedProgram(programPin(root, claim.ID), nil)
	pinned := err == nil
	if err != nil {
		prog, err = ebpf.NewProgramFromID(ebpf.ProgramID(claim.ID))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("program %d is no longer in the kernel: load it again in bpfman", claim.ID)
	}
	if errors.Is(err, unix.EPERM) {
		return nil, fmt.Errorf("opening program %d by its id: %w; CAP_SYS_ADMIN is needed where bpfman's pins are out of sight", claim.ID, err)
	}
	if err != nil {
		return nil, fmt.Errorf("opening program %d: %w", claim.ID, err)
	}
	p := &program{Program: prog, Claim: claim, pinned: pinned}
	if err := p.identify(); err != nil {
		prog.Close()
		return nil, err
	}
	return p, nil
}

// identify checks name and kernel type: an id may have been given to another
// program since the source heard of it.
func (p *program) identify() error {
	info, err := p.Info()
	if err != nil {
		return err
	}
	switch {
	case p.Name != "" && p.Name != info.Name:
		return fmt.Errorf("%w: %d is %q, and was to be %q", errOther, p.ID, info.Name, p.Name)
	case info.Name == bytecode.KernelProgTcpResume && info.Type == ebpf.SockOps:
		p.mode = loader.ModeProgram
	case info.Name == bytecode.KernelProgResumeWatch && info.Type == ebpf.TracePoint:
		p.mode = loader.ModeCompanion
	default:
		return fmt.Errorf("%w: %d is %q of kernel type %s; wanted are %s (SockOps) or %s (TracePoint)",
			errOther, p.ID, info.Name, info.Type, bytecode.KernelProgTcpResume, bytecode.KernelProgResumeWatch)
	}
	p.tag = info.Tag
	p.loaded, _ = info.LoadTime()
	p.maps, _ = info.MapIDs()
	return nil
}
