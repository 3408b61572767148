// SPDX-License-Identifier: Apache-2.0

package example

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Command is a program that ends by itself, or with this process.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Quietly runs a command, whose output matters only if it fails.
func Quietly(cmd *exec.Cmd) error {
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, output)
	}
	return nil
}
