// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/tcpresume/tcpresume/test/kernels/record"
)

// hostTools are what tests and loader call by name; they come with the
// libraries that they are linked to.
var hostTools = []string{"ip", "bpftool"}

// applets are such, too, of which busybox's are good enough.
var applets = []string{"modprobe", "cat", "sleep"}

// initramfs packs everything that runs on the other kernel.
func initramfs(ctx context.Context, to string, k Kernel, programs string, plan record.Plan) (err error) {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	a := newArchive(out)
	a.file("init", filepath.Join(programs, guestProgram))
	for _, suite := range plan.Suites {
		a.file(strings.TrimPrefix(plan.At(suite), "/"), filepath.Join(programs, suite.Program()))
	}
	plain, err := json.Marshal(plan)
	if err != nil {
		return err
	}
	a.entry(strings.TrimPrefix(record.PlanFile, "/"), program, plain)
	a.modules(k)
	for _, tool := range hostTools {
		if err := a.tool(ctx, tool); err != nil {
			return err
		}
	}
	a.file("bin/busybox", "/bin/busybox")
	for _, applet := range applets {
		a.entry("bin/"+applet, symlink, []byte("busybox"))
	}
	for _, dir := range []string{"proc", "sys", "dev", "tmp", "run", "root"} {
		a.entry(dir, directory, nil)
	}
	if err := a.close(); err != nil {
		return fmt.Errorf("writing %s: %w", to, err)
	}
	return out.Close()
}

// modules lie where modprobe looks for them, for the loader that calls it.
func (a *archive) modules(k Kernel) {
	dir := "lib/modules/" + k.Release + "/"
	var table strings.Builder
	for _, name := range modules {
		a.file(dir+name+".ko", k.module(name))
		fmt.Fprintf(&table, "%s.ko:\n", name)
	}
	a.entry(dir+"modules.dep", program, []byte(table.String()))
}

var library = regexp.MustCompile(`(/\S+) \(0x`)

func (a *archive) tool(ctx context.Context, name string) error {
	found, err := exec.LookPath(name)
	if err != nil {
		return fmt.Errorf("%w; \"make deps\" installs it", err)
	}
	a.file("bin/"+name, found)
	out, err := exec.CommandContext(ctx, "ldd", found).Output()
	if err != nil {
		return fmt.Errorf("ldd %s: %w", found, err)
	}
	for _, match := range library.FindAllStringSubmatch(string(out), -1) {
		a.file(strings.TrimPrefix(match[1], "/"), match[1])
	}
	return nil
}
