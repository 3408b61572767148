// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	mirror  = "http://deb.debian.org"
	keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
	// modulesPool holds what the index of a suite has dropped already.
	modulesPool = "https://deb.debian.org/debian/pool/main/l/linux/"
	fresh       = 24 * time.Hour // of the package lists
)

// suites of Debian that have kernels; sid gets a series first.
var suites = []string{
	"/debian bookworm", "/debian-security bookworm-security", "/debian trixie-backports", "/debian sid",
}

// apt is a configuration with lists and cache of its own: neither the
// machine's sources nor its lists are touched, whatever they are.
type apt struct{ dir string }

func newApt(ctx context.Context, dir string) (apt, error) {
	a := apt{dir}
	for _, each := range []string{a.lists("partial"), filepath.Join(dir, "archives", "partial")} {
		if err := os.MkdirAll(each, 0o755); err != nil {
			return a, err
		}
	}
	var sources strings.Builder
	for _, suite := range suites {
		fmt.Fprintf(&sources, "deb [signed-by=%s] %s%s main\n", keyring, mirror, suite)
	}
	before, _ := os.ReadFile(a.sources())
	if err := os.WriteFile(a.sources(), []byte(sources.String()), 0o644); err != nil {
		return a, err
	}
	if updated, err := os.Stat(a.stamp()); err == nil && time.Since(updated.ModTime()) < fresh && string(before) == sources.String() {
		return a, nil
	}
	return a, a.update(ctx)
}

func (a apt) sources() string          { return filepath.Join(a.dir, "sources.list") }
func (a apt) stamp() string            { return filepath.Join(a.dir, "updated") }
func (a apt) lists(name string) string { return filepath.Join(a.dir, "lists", name) }

func (a apt) words(program string, words ...string) []string {
	dir, err := filepath.Abs(a.dir)
	if err != nil {
		dir = a.dir
	}
	options := []string{program, "-qq"}
	for _, option := range []string{
		"Dir::Etc::sourcelist=" + filepath.Join(dir, "sources.list"), "Dir::Etc::sourceparts=/dev/null",
		"Dir::Etc::preferences=/dev/null", "Dir::Etc::preferencesparts=/dev/null",
		"Dir::State::lists=" + filepath.Join(dir, "lists"), "Dir::Cache=" + dir,
		"APT::Architecture=amd64", "APT::Architectures=amd64", "APT::Sandbox::User=", "Acquire::Languages=none",
		"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
	} {
		options = append(options, "-o", option)
	}
	return append(options, words...)
}

// update reads the lists again. An index that cannot be reached is an error: the
// newest kernel must be known.
func (a apt) update(ctx context.Context) error {
	if err := run(ctx, "", a.words("apt-get", "-o", "APT::Update::Error-Mode=any", "update")...); err != nil {
		return err
	}
	return os.WriteFile(a.stamp(), nil, 0o644)
}

// names are the packages that a regular expression matches.
func (a apt) names(ctx context.Context, pattern string) (all []string, err error) {
	words := a.words("apt-cache", "search", "--names-only", pattern)
	out, err := exec.CommandContext(ctx, words[0], words[1:]...).Output()
	if err != nil {
		return nil, fmt.Errorf("asking apt for kernels: %w; this needs Debian", err)
	}
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		all = append(all, name)
	}
	return all, nil
}

// download fetches a package into a directory and returns its file.
func (a apt) download(ctx context.Context, to, name string) (string, error) {
	get := a.words("apt-get", "download", name)
	if err := run(ctx, to, get...); err != nil { // the mirror may have moved on
		if err := a.update(ctx); err != nil {
			return "", err
		}
		if err := run(ctx, to, get...); err != nil {
			return "", err
		}
	}
	archives, err := filepath.Glob(filepath.Join(to, name+"_*.deb"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("apt-get download %s left %d packages: %w", name, len(archives), err)
	}
	return archives[0], nil
}

// fromPool fetches a package of a version that no index names any more. Only
// the emulated machine runs what is in it.
func fromPool(ctx context.Context, to, name, version string) (_ string, err error) {
	file := fmt.Sprintf("%s_%s_amd64.deb", name, version)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, modulesPool+file, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", request.URL, answer.Status)
	}
	out, err := os.Create(filepath.Join(to, file))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, answer.Body)
	return out.Name(), errors.Join(err, out.Close())
}
