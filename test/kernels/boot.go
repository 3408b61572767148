// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

// emulator runs one processor without KVM. It has the 16-byte
// compare-and-exchange without which Linux 7.1 and newer make no socket storage. Its clock counts instructions, one a nanosecond, and jumps while it sleeps:
// a busy host makes it late for us, never for its own network.
var emulator = []string{
	"qemu-system-x86_64", "-cpu", "Nehalem", "-accel", "tcg,thread=single", "-smp", "1", "-m", "2560",
	"-icount", "shift=0,sleep=off", "-rtc", "clock=vm",
	"-nographic", "-no-reboot", "-nodefaults", "-monitor", "none",
}

const processorAt = 2 // in emulator

const commandLine = "console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off random.trust_cpu=on rdinit=/init"

// Machine says where things go while a kernel runs.
type Machine struct {
	Programs string // as Build made them
	Work     string // initramfs, console and log
	Watch    func(kernel string, r record.Record)
}

// Boot runs a plan on another kernel. The machine may be made to lack a feature:
// then nothing but what tcpresume says of that is of interest.
func (m Machine) Boot(ctx context.Context, k Kernel, suites []record.Suite, without string) (Column, error) {
	name, words := k.Release, emulator
	if without == feature.Storage {
		name, words = name+"-without", slices.Replace(slices.Clone(words), processorAt, processorAt+1, "Nehalem,-cx16")
	}
	plan := record.Plan{Programs: record.Programs, Emulated: true, Suites: suites}
	initrd := filepath.Join(m.Work, name+".cpio.gz")
	if err := initramfs(ctx, initrd, k, m.Programs, plan); err != nil {
		return Column{}, err
	}
	console := filepath.Join(m.Work, name+".console")
	words = append(slices.Clone(words),
		"-serial", "file:"+console, "-serial", "stdio",
		"-kernel", k.image(), "-initrd", initrd, "-append", commandLine)
	column, err := m.listen(exec.CommandContext(ctx, words[0], words[1:]...), name)
	column.Package, column.Emulated, column.Without = k.Package, true, without
	if err != nil {
		return column, fmt.Errorf("%w; the console's output is in %s", err, console)
	}
	return column, nil
}

// Here runs a plan on the running kernel.
func (m Machine) Here(ctx context.Context, suites []record.Suite) (Column, error) {
	text, err := json.Marshal(record.Plan{Programs: m.Programs, Suites: suites})
	if err != nil {
		return Column{}, err
	}
	plan := filepath.Join(m.Work, "plan.json")
	if err := os.WriteFile(plan, text, 0o644); err != nil {
		return Column{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(m.Programs, guestProgram), "here", plan)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // tests clean up behind themselves
	return m.listen(cmd, "host")
}

// listen starts a speaker of records and makes a column of what it says.
func (m Machine) listen(cmd *exec.Cmd, name string) (Column, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return Column{}, err
	}
	log, err := os.Create(filepath.Join(m.Work, name+".log"))
	if err != nil {
		return Column{}, err
	}
	defer log.Close()
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return Column{}, fmt.Errorf("%w; \"make deps\" installs the emulator", err)
	}
	column, err := column(pipe, log, func(r record.Record) {
		if m.Watch != nil {
			m.Watch(name, r)
		}
	})
	column.Took = time.Since(began)
	ended := cmd.Wait()
	if err = errors.Join(err, ended); err == nil && !column.Done {
		err = errors.New("it ended before the plan was done")
	}
	if err != nil {
		return column, fmt.Errorf("%s: %w", name, err)
	}
	return column, nil
}

func column(from io.Reader, log io.Writer, watch func(record.Record)) (Column, error) {
	var c Column
	for say := json.NewDecoder(from); ; {
		var r record.Record
		if err := say.Decode(&r); errors.Is(err, io.EOF) {
			return c, nil
		} else if err != nil {
			_, _ = io.Copy(io.Discard, from)
			return c, fmt.Errorf("reading what the machine says: %w", err)
		}
		c.add(r)
		if r.Line != "" {
			fmt.Fprintf(log, "%s: %s\n", r.Package, plain(r.Line))
		}
		watch(r)
	}
}
