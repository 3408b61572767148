// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Series are the kernels that the project promises to run on, besides the host's.
var Series = []string{"6.1", "6.12"}

// Kernel is an unpacked Debian kernel.
type Kernel struct {
	Release string // as uname -r says it
	Package string // version of the Debian package
	dir     string
}

// modules that the tests need and that Debian does not build in.
var modules = []string{"tun", "tcp_bbr"}

func (k Kernel) image() string             { return filepath.Join(k.dir, "vmlinuz") }
func (k Kernel) module(name string) string { return filepath.Join(k.dir, name+".ko") }

// Fetch finds the newest Debian kernel of a series, downloads it if the cache
// does not have it, and unpacks it there. Nothing is installed.
func Fetch(ctx context.Context, cache, series string) (Kernel, error) {
	name, err := newest(ctx, series)
	if err != nil {
		return Kernel{}, err
	}
	release := strings.TrimPrefix(name, "linux-image-")
	k := Kernel{Release: release, dir: filepath.Join(cache, release)}
	version, err := os.ReadFile(filepath.Join(k.dir, "version"))
	if errors.Is(err, os.ErrNotExist) {
		if err := download(ctx, name, k); err != nil {
			return Kernel{}, err
		}
		version, err = os.ReadFile(filepath.Join(k.dir, "version"))
	}
	k.Package = strings.TrimSpace(string(version))
	return k, err
}

// newest asks apt, and lets it look again at its mirrors if it knows none.
func newest(ctx context.Context, series string) (string, error) {
	for _, refresh := range []bool{false, true} {
		if refresh {
			if err := run(ctx, "", "apt-get", "-qq", "update"); err != nil {
				return "", err
			}
		}
		out, err := exec.CommandContext(ctx, "apt-cache", "search", "--names-only", `^linux-image-[0-9].*-cloud-amd64$`).Output()
		if err != nil {
			return "", fmt.Errorf("asking apt for kernels: %w; this needs Debian", err)
		}
		if name := latest(string(out), series); name != "" {
			return name, nil
		}
	}
	return "", fmt.Errorf("apt knows no linux-image-%s.*-cloud-amd64: Debian 12 has 6.1 and, in its security or backports suite, 6.12; add the suite to the apt sources", series)
}

// latest picks the highest of the packages that "apt-cache search" lists.
func latest(list, series string) string {
	name := regexp.MustCompile(`(?m)^linux-image-` + regexp.QuoteMeta(series) + `\.[0-9][^ ]*-cloud-amd64`)
	found := name.FindAllString(list, -1)
	if len(found) == 0 {
		return ""
	}
	return slices.MaxFunc(found, func(a, b string) int { return slices.Compare(numbers(a), numbers(b)) })
}

func numbers(text string) (all []int) {
	for _, digits := range regexp.MustCompile(`[0-9]+`).FindAllString(text, -1) {
		n, _ := strconv.Atoi(digits)
		all = append(all, n)
	}
	return all
}

// download makes k's directory, whole or not at all.
func download(ctx context.Context, name string, k Kernel) (err error) {
	cache := filepath.Dir(k.dir)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, ".unpacking-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	get := []string{"apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name}
	if err := run(ctx, work, get...); err != nil { // the mirror may have moved on
		if err := run(ctx, work, "apt-get", "-qq", "update"); err != nil {
			return err
		}
		if err := run(ctx, work, get...); err != nil {
			return err
		}
	}
	archives, err := filepath.Glob(filepath.Join(work, "*.deb"))
	if err != nil || len(archives) != 1 {
		return fmt.Errorf("apt-get download %s left %d packages: %w", name, len(archives), err)
	}
	tree := filepath.Join(work, "tree")
	if err := run(ctx, work, "dpkg-deb", "-x", archives[0], tree); err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, "dpkg-deb", "-f", archives[0], "Version").Output()
	if err != nil {
		return err
	}
	return keep(ctx, tree, string(version), filepath.Join(work, "kept"), k)
}

// keep moves what is needed of the tree into place.
func keep(ctx context.Context, tree, version, dir string, k Kernel) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	kept := Kernel{dir: dir}
	if err := os.Rename(filepath.Join(tree, "boot", "vmlinuz-"+k.Release), kept.image()); err != nil {
		return err
	}
	for _, name := range modules {
		if err := keepModule(ctx, filepath.Join(tree, "lib/modules", k.Release), name, kept); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o644); err != nil {
		return err
	}
	return os.Rename(dir, k.dir)
}

func keepModule(ctx context.Context, tree, name string, kept Kernel) error {
	var found string
	err := filepath.WalkDir(tree, func(path string, _ os.DirEntry, err error) error {
		if base := filepath.Base(path); base == name+".ko" || base == name+".ko.xz" {
			found = path
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case found == "":
		return fmt.Errorf("this kernel's package has no module %s", name)
	case strings.HasSuffix(found, ".xz"):
		if err := run(ctx, "", "xz", "-d", found); err != nil {
			return err
		}
		found = strings.TrimSuffix(found, ".xz")
	}
	return os.Rename(found, kept.module(name))
}

// run gives a command's own words where it fails.
func run(ctx context.Context, dir string, words ...string) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
