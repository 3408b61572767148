// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var licenceName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)`)

// writeLicences puts the licence texts of a program and of every module in it
// below the program's root. A module without one is an error.
func writeLicences(root string, built *buildinfo.BuildInfo) error {
	to := filepath.Join(root, "usr", "share", "doc", "tcpresume")
	if err := errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o755)); err != nil {
		return err
	}
	if err := errors.Join(copyFile(filepath.Join(to, "LICENSE"), "LICENSE"), copyFile(filepath.Join(to, "LICENSE.bpf"), filepath.Join("bpf", "LICENSE"))); err != nil {
		return err
	}
	for _, module := range built.Deps {
		dir, err := output("go", "list", "-m", "-f", "{{.Dir}}", module.Path)
		if err != nil {
			return err
		}
		if err := copyLicences(to, module.Path, dir); err != nil {
			return err
		}
	}
	goroot, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	return copyLicences(to, "go", goroot)
}

func copyLicences(to, module, from string) error {
	names, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("sources of %s: %w", module, err)
	}
	found := false
	for _, name := range names {
		if !licenceName.MatchString(name.Name()) || !name.Type().IsRegular() {
			continue
		}
		found = true
		if err := copyFile(filepath.Join(to, strings.ReplaceAll(module, "/", "_")+"."+name.Name()), filepath.Join(from, name.Name())); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s has no licence text in %s", module, from)
	}
	return nil
}

func copyFile(to, from string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
