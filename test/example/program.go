// SPDX-License-Identifier: Apache-2.0

package example

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Program is a running program.
type Program struct {
	cmd    *exec.Cmd
	output *output
}

// Spec says where and how a program runs.
type Spec struct {
	Host   *lab.Host
	Cgroup *lab.Cgroup // nil: the one of this process
	Env    []string    // beside this process's own
	// Ready is a part of the line by which the program says that it serves.
	Ready string
}

// patience bounds waiting for a program to be ready.
const patience = 20 * time.Second

// Run starts a program and waits until it is ready. The caller must Stop it.
func Run(ctx context.Context, spec Spec, path string, args ...string) (*Program, error) {
	p := &Program{cmd: exec.Command(path, args...), output: newOutput(spec.Ready)}
	p.cmd.Env = append(p.cmd.Environ(), spec.Env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = time.Second
	if err := spec.Host.Start(p.cmd, spec.Cgroup); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-p.output.ready:
		return p, nil
	case <-ctx.Done():
		err := fmt.Errorf("%s did not say %q in %v: %s", filepath.Base(path), spec.Ready, patience, p.Output())
		return nil, errors.Join(err, p.Stop())
	}
}

// Output is what the program wrote so far.
func (p *Program) Output() string { return p.output.String() }

// Signal sends the program a signal.
func (p *Program) Signal(signal syscall.Signal) error { return lab.Signal(p.cmd, signal) }

// Stop ends the program and all that it started.
func (p *Program) Stop() error { return lab.Stop(p.cmd) }

// output collects what a program writes and notices when it is ready.
type output struct {
	mark  string
	ready chan struct{}

	mu   sync.Mutex
	text bytes.Buffer
	seen bool
}

func newOutput(mark string) *output {
	o := &output{mark: mark, ready: make(chan struct{})}
	if mark == "" {
		o.seen = true
		close(o.ready)
	}
	return o
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(text)
	if !o.seen && strings.Contains(o.text.String(), o.mark) {
		o.seen = true
		close(o.ready)
	}
	return len(text), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
