// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tcpresume/tcpresume/pkg/image"
)

func main() {
	version := flag.String("version", "", "`TEXT` that the programs were built with")
	roots := flag.String("roots", "build/agent", "`DIR` with one root for each architecture")
	out := flag.String("out", "build/images/agent", "`PATH` of the OCI layout, which is replaced")
	flag.Parse()
	if err := run(*version, *roots, *out); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(version, dir, out string) error {
	architectures, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("%w; \"make agent\" builds the programs", err)
	}
	roots := make(map[string]fs.FS)
	meta := image.Meta{Version: version}
	for _, architecture := range architectures {
		root := filepath.Join(dir, architecture.Name())
		built, err := buildinfo.ReadFile(filepath.Join(root, image.AgentProgram))
		if err != nil {
			return err
		}
		revision := revisionOf(built)
		if len(roots) > 0 && revision != meta.Revision {
			return fmt.Errorf("the program for %s was built from revision %s, others from %s: \"make agent\" builds all", architecture.Name(), revision, meta.Revision)
		}
		meta.Revision = revision
		if err := writeLicences(root, built); err != nil {
			return err
		}
		roots[architecture.Name()] = os.DirFS(root)
	}
	src, err := image.Agent(roots, meta)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if err := image.Write(out, src, true); err != nil {
		return err
	}
	sum, err := src.Summary()
	if err != nil {
		return err
	}
	fmt.Printf("written:    %s\ndigest:     %s\nplatforms:  %s\nsize:       %.1f MB\n", out, sum.Digest, strings.Join(sum.Platforms, ", "), float64(sum.Bytes)/1e6)
	return nil
}

func revisionOf(built *buildinfo.BuildInfo) string {
	settings := make(map[string]string)
	for _, s := range built.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.modified"] == "true" {
		return settings["vcs.revision"] + "-dirty"
	}
	return settings["vcs.revision"]
}
