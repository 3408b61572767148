// SPDX-License-Identifier: Apache-2.0

package example

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// Quietly runs a command, whose output matters only if it fails.
func Quietly(cmd *exec.Cmd) error {
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, output)
	}
	return nil
}
