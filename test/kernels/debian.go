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

// Newest stands for the highest stable version that Debian has.
const Newest = "newest"

// Series are the kernels that the project promises to run on, besides the
// host's; a commit has to pass on QuickSeries.
var (
	Series      = []string{"6.1", "6.12", "6.18", "7.0", "7.2", Newest}
	QuickSeries = []string{"6.1", Newest}
)

// ErrLeft is wrapped where Debian has no longer, or not yet, a kernel of a series.
var ErrLeft = errors.New("no such kernel in Debian's index now")

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

// files are what a kernel's directory has, by their names in a package.
func (k Kernel) files() map[string]string {
	all := map[string]string{"vmlinuz": k.image()}
	for _, name := range modules {
		all[name+".ko"] = k.module(name)
	}
	return all
}

// Fetch finds the newest Debian kernel of a series, downloads it if the cache
// does not have it, and unpacks it there. Nothing is installed. The error wraps
// ErrLeft where a series between the oldest and the newest is not to be had.
func Fetch(ctx context.Context, cache, series string) (Kernel, error) {
	a, err := newApt(ctx, filepath.Join(cache, "apt"))
	if err != nil {
		return Kernel{}, err
	}
	names, err := a.names(ctx, `^linux-(image|binary)-[0-9].*-cloud-amd64$`)
	if err != nil {
		return Kernel{}, err
	}
	release, split := latest(names, series)
	if release == "" {
		return Kernel{}, fmt.Errorf("%w: linux-image-%s.*-cloud-amd64", ErrLeft, series)
	}
	k := Kernel{Release: release, dir: filepath.Join(cache, release)}
	version, err := os.ReadFile(filepath.Join(k.dir, "version"))
	if errors.Is(err, os.ErrNotExist) {
		if err := k.download(ctx, a, split); err != nil {
			return Kernel{}, err
		}
		version, err = os.ReadFile(filepath.Join(k.dir, "version"))
	}
	k.Package = strings.TrimSpace(string(version))
	return k, err
}

var packageName = regexp.MustCompile(`^linux-(image|binary)-([0-9]+\.[0-9]+)(\.[0-9].*-cloud-amd64)$`) // the second dot keeps release candidates out

// latest picks the highest release of a series. From Linux 6.19 on linux-image
// is an empty package: then the kernel is split over linux-binary and linux-modules.
func latest(names []string, series string) (release string, split bool) {
	for _, name := range names {
		parts := packageName.FindStringSubmatch(name)
		if parts == nil || series != Newest && series != parts[2] {
			continue
		}
		found := parts[2] + parts[3]
		order := slices.Compare(numbers(found), numbers(release))
		if order > 0 {
			release, split = found, false
		}
		if order >= 0 {
			split = split || parts[1] == "binary"
		}
	}
	return release, split
}

func numbers(text string) (all []int) {
	for _, digits := range regexp.MustCompile(`[0-9]+`).FindAllString(text, -1) {
		n, _ := strconv.Atoi(digits)
		all = append(all, n)
	}
	return all
}

// download makes k's directory, whole or not at all.
func (k Kernel) download(ctx context.Context, a apt, split bool) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(k.dir), ".unpacking-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	first := "linux-image-"
	if split {
		first = "linux-binary-"
	}
	archive, err := a.download(ctx, work, first+k.Release)
	if err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, "dpkg-deb", "-f", archive, "Version").Output()
	if err != nil {
		return err
	}
	archives := []string{archive}
	if split {
		archive, err := k.downloadModules(ctx, a, work, strings.TrimSpace(string(version)))
		if err != nil {
			return err
		}
		archives = append(archives, archive)
	}
	tree := filepath.Join(work, "tree")
	for _, archive := range archives {
		if err := run(ctx, work, "dpkg-deb", "-x", archive, tree); err != nil {
			return err
		}
	}
	return k.keep(ctx, tree, string(version), filepath.Join(work, "kept"))
}

// downloadModules looks into the pool, too: the signed kernel stays in the
// index longer than its modules.
func (k Kernel) downloadModules(ctx context.Context, a apt, work, version string) (string, error) {
	name := "linux-modules-" + k.Release
	listed, err := a.names(ctx, "^"+regexp.QuoteMeta(name)+"$")
	if err != nil {
		return "", err
	}
	if len(listed) > 0 {
		return a.download(ctx, work, name)
	}
	archive, err := fromPool(ctx, work, name, version)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrLeft, name, err)
	}
	return archive, nil
}

// keep moves what is needed of the tree into place.
func (k Kernel) keep(ctx context.Context, tree, version, dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	kept := Kernel{dir: dir}
	for name, to := range kept.files() {
		if err := keepFile(ctx, tree, name, k.Release, to); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o644); err != nil {
		return err
	}
	return os.Rename(dir, k.dir)
}

// keepFile finds a file wherever the package has it: packages differ in that.
func keepFile(ctx context.Context, tree, name, release, to string) error {
	var found string
	err := filepath.WalkDir(tree, func(path string, _ os.DirEntry, err error) error {
		if slices.Contains([]string{name, name + ".xz", name + "-" + release}, filepath.Base(path)) {
			found = path
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case found == "":
		return fmt.Errorf("the package of %s has no %s", release, name)
	case strings.HasSuffix(found, ".xz"):
		if err := run(ctx, "", "xz", "-d", found); err != nil {
			return err
		}
		found = strings.TrimSuffix(found, ".xz")
	}
	return os.Rename(found, to)
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
