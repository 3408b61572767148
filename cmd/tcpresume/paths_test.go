// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tcpresume/tcpresume/pkg/image"
)

var pathWord = regexp.MustCompile("`(PATH|DIR|FILE)`")

// Shells complete a directory with a slash. No flag, of whatever verb, may take
// it for a part of the name.
func TestASlashBehindAPathChangesNothing(t *testing.T) {
	const typed, want = "/some//place/../directory/", "/some/directory"
	tried := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		try := func(f *pflag.Flag) {
			if !pathWord.MatchString(f.Usage) || f.Value.Type() == "stringArray" {
				return
			}
			tried++
			if err := f.Value.Set(typed); err != nil || f.Value.String() != want {
				t.Errorf("%s --%s %s is %q, %v, want %s", cmd.CommandPath(), f.Name, typed, f.Value, err, want)
			}
			if err := f.Value.Set(""); err != nil || f.Value.String() != "" {
				t.Errorf("%s --%s \"\" is %q, %v: an empty one leaves the choice to the default", cmd.CommandPath(), f.Name, f.Value, err)
			}
		}
		cmd.LocalFlags().VisitAll(try)
		for _, verb := range cmd.Commands() {
			visit(verb)
		}
	}
	visit(newRoot())
	if tried < 15 {
		t.Errorf("only %d flags were taken for paths", tried)
	}
	for _, name := range []string{envPins, envMaps, envSockets} {
		t.Setenv(name, typed)
	}
	g := &global{}
	for what, got := range map[string]string{envPins: g.pinsDir(), envMaps: g.mapsDir(), envSockets: g.socketDir(), "options": g.options().Pins} {
		if got != want {
			t.Errorf("%s is %q, want %s", what, got, want)
		}
	}
}

func TestFilesAreFoundBehindASlash(t *testing.T) {
	dir := t.TempDir()
	archive := filepath.Join(dir, "image.tar")
	for _, args := range [][]string{
		{"image", "build", archive + "/"},
		{"image", "inspect", archive + "/"},
		{"image", "build", filepath.Join(dir, "layout") + "/"},
		{"image", "inspect", filepath.Join(dir, "layout") + "//"},
	} {
		if code, _, stderr := tcpresume(t, "", args...); code != 0 {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	if info, err := os.Stat(archive); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the archive: %v, %v", info, err)
	}
	if image.IsReference(archive + "/") {
		t.Error("an archive with a slash behind it is taken for a registry's image")
	}
	paths := filepath.Join(dir, "paths.ndjson")
	if err := os.WriteFile(paths, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	from, _, err := openInput(newLoad(&global{}), paths+"/")
	if err != nil {
		t.Fatal(err)
	}
	from.Close()
}
