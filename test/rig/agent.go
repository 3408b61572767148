// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// BuildProgram builds tcpresume from this tree into dir, with more flags of "go build".
func BuildProgram(dir string, flags ...string) (string, error) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tcpresume/tcpresume").Output()
	if err != nil {
		return "", fmt.Errorf("finding the source of tcpresume: %w", err)
	}
	program := filepath.Join(dir, "tcpresume")
	build := exec.Command("go", slices.Concat([]string{"build", "-o", program}, flags, []string{"./cmd/tcpresume"})...)
	build.Dir = strings.TrimSpace(string(root))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building tcpresume: %w\n%s", err, out)
	}
	return program, nil
}

// Agent is a running "tcpresume agent", which ends with this process at the latest.
type Agent struct {
	*exec.Cmd
	Sockets string // directory of its sockets
	stderr  bytes.Buffer
	ended   bool
}

// StartAgent runs an agent over the maps of pins and waits until it takes reports.
func StartAgent(program, pins, sockets string, args ...string) (*Agent, error) {
	return StartAgentBy(exec.Command(program, append([]string{"agent", "--pins", pins, "--socket-dir", sockets}, args...)...), sockets)
}

// StartAgentBy is StartAgent by a command that becomes the agent.
func StartAgentBy(cmd *exec.Cmd, sockets string) (*Agent, error) {
	a := &Agent{Cmd: cmd, Sockets: sockets}
	a.Cmd.Stderr = &a.stderr
	a.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := a.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := a.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), "taking reports") {
			return a, nil
		}
	}
	err = a.Wait()
	return nil, fmt.Errorf("the agent did not begin: %w, %s", err, a.stderr.String())
}

// Stop ends the agent as a service manager does, and reports how it went.
func (a *Agent) Stop() error {
	if a.ended {
		return nil
	}
	_ = a.Process.Signal(syscall.SIGTERM)
	if err := a.Wait(); err != nil {
		return fmt.Errorf("the agent ended with %w: %s", err, a.stderr.String())
	}
	return nil
}

// Kill ends the agent as an out-of-memory killer does.
func (a *Agent) Kill() {
	_ = a.Process.Kill()
	_ = a.Wait()
}

// Wait waits for the end.
func (a *Agent) Wait() error {
	a.ended = true
	return a.Cmd.Wait()
}

// Said is what the agent wrote to stderr; it may be asked for after the end.
func (a *Agent) Said() string { return a.stderr.String() }
