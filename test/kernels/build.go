// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tcpresume/tcpresume/test/kernels/record"
)

const guestProgram = "guest"

// Build compiles what runs on the other kernel into a directory: static, so
// that the machine needs no libraries. It runs in the test module.
func Build(ctx context.Context, to string, suites []record.Suite) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := goTool(ctx, ".", "build", "-o", filepath.Join(to, guestProgram), "./kernels/guest"); err != nil {
		return err
	}
	for _, suite := range suites {
		dir, in := "..", suite.Package // the module that the package is in
		if rest, ok := strings.CutPrefix(suite.Package, "test/"); ok {
			dir, in = ".", rest
		}
		if err := goTool(ctx, dir, "test", "-c", "-o", filepath.Join(to, suite.Program()), "./"+in); err != nil {
			return err
		}
	}
	return nil
}

func goTool(ctx context.Context, dir, verb string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{verb, "-trimpath", "-ldflags", "-s -w"}, arguments...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
