// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
)

// node returns the interpreter, with the modules of the example installed as its
// lock file says. npm keeps them in its cache.
func node(t *testing.T) string {
	t.Helper()
	directory := at(t, "examples/node")
	lock, err := os.Stat(filepath.Join(directory, "package-lock.json"))
	check.Must(t, err)
	installed, err := os.Stat(filepath.Join(directory, "node_modules", ".package-lock.json"))
	if err != nil || installed.ModTime().Before(lock.ModTime()) {
		install := exec.CommandContext(t.Context(), "npm", "ci", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = directory
		check.Must(t, example.Quietly(install))
	}
	program, err := exec.LookPath("node")
	check.Must(t, err)
	return program
}
