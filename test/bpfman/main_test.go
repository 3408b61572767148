// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/rig"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 20 * time.Second

// The commands under test, made or found once.
var (
	tcpresumePath string
	bpfmanDir     string // of the released bpfman, see ../bpfman.sh; empty: not built
)

func TestMain(m *testing.M) {
	rig.Isolate(func() int {
		dir, err := os.MkdirTemp("", "tcpresume-bpfman-")
		if err == nil {
			defer os.RemoveAll(dir)
			err = errors.Join(os.Chmod(dir, 0o755), makeCommands(dir)) // another user runs them, too
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	})
}

func makeCommands(dir string) error {
	tcpresumePath = filepath.Join(dir, "tcpresume")
	build := exec.Command("go", "build", "-o", tcpresumePath, "./cmd/tcpresume")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building tcpresume: %w\n%s", err, out)
	}
	script := exec.Command("../bpfman.sh", "built")
	script.Stderr = os.Stderr
	out, err := script.Output()
	bpfmanDir = strings.TrimSpace(string(out))
	return err
}

func has(t testing.TB, what, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("%s is\n%s\nwant %q in it", what, text, want)
	}
}
