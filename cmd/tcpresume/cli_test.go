// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// tcpresume runs the program and returns what it prints and how it exits.
func tcpresume(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	root := newRoot()
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	code = run(context.Background(), root, args)
	return code, out.String(), errs.String()
}

// nothing names a directory without maps, whatever runs on this machine.
func nothing(t *testing.T) string {
	t.Setenv(envPins, t.TempDir())
	t.Setenv(envMaps, "")
	return os.Getenv(envPins)
}

func TestErrorLines(t *testing.T) {
	pins := nothing(t)
	bad := filepath.Join(pins, "bad")
	notLoaded := "tcpresume is not loaded: no map resume_paths in " + pins + "/maps; run \"tcpresume up\", or name the directory of the maps with --maps"
	for _, c := range []struct {
		args string
		code int
		line string
	}{
		{"put", 2, `PEER is missing: write "tcpresume put PEER --cwnd SIZE"; see "tcpresume put --help"`},
		{"doctor nats://agent:s3cr3t@h:4222", 2, `"nats://***@h:4222" is too much: "tcpresume doctor" takes no argument`},
		{"agent agent:s3cr3t@h:4222", 2, `"***@h:4222" is too much: "tcpresume agent" takes no argument`},
		{"put 192.0.2.1", 2, `put needs --cwnd: give the window to start with, as in --cwnd 256KiB`},
		{"put 192.0.2.1 --cwnd", 2, `--cwnd needs a value; see "tcpresume put --help"`},
		{"put 192.0.2.1 --cwnd 0", 2, `cwnd is 0: give the window to start with, as in 256KiB`},
		{"put 192.0.2.1 --cwnd 256XB", 2, `--cwnd: "256XB" is not a size: give bytes as a number, or with a unit as in 256KiB or 1MB`},
		{"put 192.0.2.1 --cwnd -256KiB", 2, `--cwnd: "-256KiB" is negative: give a size of 0 bytes or more`},
		{"put 192.0.2.1 --cwnd 4294967296", 2, `--cwnd: "4294967296" is too large: the maps hold at most 4294967295 bytes (4GiB - 1)`},
		{"put 192.0.2.1 --cwnd 1 --ssthresh 5GiB", 2, `--ssthresh: "5GiB" is too large: the maps hold at most 4294967295 bytes (4GiB - 1)`},
		{"put 192.0.2.1 --cwnd 1 --rtt 80", 2, `--rtt: "80" is not a duration: give a number with a unit, as in 80ms or 10m`},
		{"put 192.0.2.1 --cwnd 1 --rtt -80ms", 2, `--rtt: "-80ms" is negative: give a duration such as 80ms or 10m`},
		{"put 192.0.2.1 --cwnd 1 --rtt 2h", 2, `rtt 2h0m0s is out of range: give 1us to 1h11m34.967295s`},
		{"put 192.0.2.1 --cwnd 1 --ttl 0", 2, `--ttl: "0" is no time at all: give a duration such as 80ms or 10m, or leave the flag out`},
		{"put 192.0.2.1 --cwnd 1 --mode fast", 2, `--mode: "fast" is not a mode: use policy, off, exact, careful`},
		{"put 192.0.2.1 --cwnd 1 --sharing all", 2, `--sharing: "all" is not a sharing: use policy, single, shared`},
		{"put 192.0.2.1 192.0.2.2 --cwnd 1", 2, `"192.0.2.2" is too much: "tcpresume put" takes PEER only`},
		{"put 192.0.2.1 --cwmd 1", 2, `unknown flag: --cwmd; see "tcpresume put --help"`},
		{"put 192.0.2.300 --cwnd 1", 2, `"192.0.2.300" is not an address: give an IPv4 or IPv6 address such as 192.0.2.1 or 2001:db8::1`},
		{"put 192.0.2.0/24 --cwnd 1", 2, `"192.0.2.0/24" is not an address: a peer is one address; prefixes belong to policies`},
		{"put 224.0.0.1 --cwnd 1", 2, `peer 224.0.0.1 is not a unicast address: no TCP connection comes from it`},
		{"get fe80::1%eth0", 2, `peer fe80::1%eth0 has a zone: the kernel's key is the address alone, write fe80::1`},
		{"list extra", 2, `"extra" is too much: "tcpresume list" takes no argument`},
		{"list --state used", 2, `--state: "used" is not a state: use free, in-use, spent, expired, damaged`},
		{"list --prefix 192.0.2.1/24", 2, `--prefix: "192.0.2.1/24" has bits set behind its length: did you mean 192.0.2.0/24?`},
		{"list -o yaml", 2, `--output: "yaml" is not a format: use table, json`},
		{"load", 2, `FILE is missing: write "tcpresume load FILE|-"; see "tcpresume load --help"`},
		{"load " + bad, 2, "open " + bad + ": no such file or directory"},
		{"load " + pins, 2, pins + " is a directory: give a file, or - for stdin"},
		{"policy set 10.0.0.1/8", 2, `"10.0.0.1/8" has bits set behind its length: did you mean 10.0.0.0/8?`},
		{"policy set default --learn=maybe", 2, `"maybe" is neither true nor false; see "tcpresume policy set --help"`},
		{"policy set default --key-v4 -1", 2, `--key-v4: "-1" is not a whole number of 0 or more`},
		{"policy sot", 2, `"sot" is not a verb of tcpresume policy: did you mean set?`},
		{"watch --for soon", 2, `--for: "soon" is not a duration: give a number with a unit, as in 80ms or 10m`},
		{"watch -o yaml", 2, `--output: "yaml" is not a format: use table, json, qlog`},
		{"report", 2, `PEER is missing: write "tcpresume report PEER --cwnd SIZE"; see "tcpresume report --help"`},
		{"report 192.0.2.1", 2, `cwnd is missing or 0: give the congestion window in bytes`},
		{"report 192.0.2.1 --cwnd 1 --port 70000", 2, `--port 70000 is out of range: give 0 to 65535`},
		{"report 192.0.2.1 --cwnd 1 --event open", 2, `--event: "open" is not a event: use tick, close`},
		{"agent --config " + bad, 2, "configuration: open " + bad + ": no such file or directory"},
		{"up --agent --detach", 2, `--agent needs this process to stay: leave --detach out, or run "tcpresume agent" beside it`},
		{"up --metrics 127.0.0.1:0", 2, `--config, --metrics, --fleet and --socket-dir are the agent's: add --agent`},
		{"lst", 2, `"lst" is not a verb of tcpresume: did you mean list?`},
		{"frobnicate", 2, `"frobnicate" is not a verb of tcpresume: "tcpresume --help" lists them`},

		{"put 192.0.2.1 --cwnd 256KiB", 3, notLoaded},
		{"get 192.0.2.1", 3, notLoaded},
		{"list", 3, notLoaded},
		{"dump", 3, notLoaded},
		{"flush", 3, notLoaded},
		{"load -", 3, notLoaded},
		{"policy list", 3, notLoaded},
		{"watch", 3, notLoaded},
		{"status", 3, notLoaded},
		{"report 192.0.2.1 --cwnd 1MB --socket-dir /nowhere", 3, `the agent is away: dial unix /nowhere/api.sock: connect: no such file or directory; run "tcpresume agent", or name the directory of its sockets with --socket-dir`},
		{"list --maps /nowhere", 3, strings.ReplaceAll(notLoaded, pins+"/maps", "/nowhere")},
		{"list --pins /nowhere", 3, strings.ReplaceAll(notLoaded, pins, "/nowhere")},
	} {
		code, stdout, stderr := tcpresume(t, "", strings.Fields(c.args)...)
		if want := "tcpresume: " + c.line + "\n"; code != c.code || stderr != want || stdout != "" {
			t.Errorf("tcpresume %s\n  exit %d, want %d\n  stderr %q\n  want   %q\n  stdout %q", c.args, code, c.code, stderr, want, stdout)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		line string
	}{
		{nil, 0, ""},
		{errors.New("broken"), 1, "broken"},
		{fmt.Errorf("x: %w", input(errors.New("bad"))), 2, "x: bad"},
		{fmt.Errorf("x: %w", pathstore.ErrNotLoaded), 3, "x: tcpresume is not loaded"},
		{fmt.Errorf("%w for peer y", pathstore.ErrNotFound), 4, "no entry for peer y"},
		{fmt.Errorf("storing: %w", syscall.EPERM), 5, "storing: operation not permitted; run as root"},
		{input(&os.PathError{Op: "open", Path: "f", Err: syscall.EACCES}), 5, "open f: permission denied; run as root"},
		{errors.Join(errors.New("one"), errors.New("two")), 1, "one; two"},
	} {
		if got := exitCode(c.err); got != c.code {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.code)
		}
		if c.err != nil && errorLine(c.err) != c.line {
			t.Errorf("got %q, want %q", errorLine(c.err), c.line)
		}
	}
}

func TestFlagsOutrankTheEnvironment(t *testing.T) {
	for _, c := range []struct{ flagPins, flagMaps, envPins, envMaps, want string }{
		{"", "", "", "", "/sys/fs/bpf/tcpresume/maps"},
		{"", "", "/e", "", "/e/maps"},
		{"", "", "/e", "/m", "/m"},
		{"/f", "", "/e", "/m", "/f/maps"},
		{"/f", "/g", "/e", "/m", "/g"},
	} {
		t.Setenv(envPins, c.envPins)
		t.Setenv(envMaps, c.envMaps)
		g := global{pins: c.flagPins, maps: c.flagMaps}
		if got := g.mapsDir(); got != c.want {
			t.Errorf("%+v: maps in %s", c, got)
		}
	}
}

func TestEveryVerbExplainsItself(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s lacks a short or long text, or an example of itself", cmd.CommandPath())
		}
		if cmd.Args == nil || cmd.RunE == nil {
			t.Errorf("%s takes arguments unchecked, or does not report errors", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
			if len(line) > 100 {
				t.Errorf("%s: line of %d characters: %s", cmd.CommandPath(), len(line), line)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}

// The reference in docs/cli is generated; "go generate ./cmd/..." brings it up to date.
func TestReferenceIsCurrent(t *testing.T) {
	fresh, kept := t.TempDir(), filepath.Join("..", "..", "docs", "cli")
	if code, _, stderr := tcpresume(t, "", "docs", "markdown", fresh); code != 0 {
		t.Fatal(stderr)
	}
	names := make(map[string]bool)
	for _, dir := range []string{fresh, kept} {
		pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			names[filepath.Base(page)] = true
		}
	}
	for name := range names {
		want, err1 := os.ReadFile(filepath.Join(fresh, name))
		got, err2 := os.ReadFile(filepath.Join(kept, name))
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/cli/%s is not what the help says: run \"go generate ./cmd/...\" (%v, %v)", name, err1, err2)
		}
	}
}

func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := tcpresume(t, "", "docs", "man", dir); code != 0 {
		t.Fatal(stderr)
	}
	page, err := os.ReadFile(filepath.Join(dir, "tcpresume-policy-set.8"))
	if err != nil || !bytes.Contains(page, []byte("tcpresume-policy-set - Put a policy in force")) {
		t.Errorf("%v\n%s", err, page)
	}
}

func TestCompletion(t *testing.T) {
	nothing(t)
	for args, want := range map[string]string{
		"put 192.0.2.1 --mode ":  "policy\noff\nexact\ncareful\n:4\n",
		"policy set default -o ": "table\njson\n:4\n",
		"get 192":                ":4\n", // nothing is loaded, and no file names instead
	} {
		if _, stdout, _ := tcpresume(t, "", append([]string{"__complete"}, strings.Split(args, " ")...)...); stdout != want {
			t.Errorf("%s: got %q, want %q", args, stdout, want)
		}
	}
}

func TestVersion(t *testing.T) {
	code, stdout, _ := tcpresume(t, "", "version", "-o", "json")
	for _, part := range []string{`"version":"`, `"bytecode":"`, `"go":"go1.`, `"kernel":"`} {
		if code != 0 || !strings.Contains(stdout, part) {
			t.Errorf("exit %d, no %s in %s", code, part, stdout)
		}
	}
}
