// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"

	"github.com/tcpresume/tcpresume/internal/textfile"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// configFile is where both generations look.
const configFile = "/etc/bpfman/bpfman.toml"

// Diagnose looks at bpfman as far as it is here. It is no fault to have none.
func Diagnose(ctx context.Context, place loader.Options, opts Options) []loader.Finding {
	opts = opts.filled()
	origin, _ := loader.ReadOrigin(place.Pins)
	flavour := flavour(ctx, opts)
	if flavour == "" && origin == nil {
		return []loader.Finding{{Check: "bpfman", Status: loader.OK, Detail: "none on this machine; tcpresume does without"}}
	}
	if flavour == "" {
		flavour = "not to be seen from here"
	}
	findings := []loader.Finding{{Check: "bpfman", Status: loader.OK, Detail: flavour}}
	if !loader.InPod() { // where it would be this container's own file
		findings = append(findings, checkSigning())
	}
	return append(findings, checkOrigin(ctx, place, opts))
}

// flavour is empty where there is no trace of bpfman.
func flavour(ctx context.Context, opts Options) string {
	where := ""
	if onBPFFS(bpffs(opts.Root)) {
		where = "pins in " + bpffs(opts.Root)
	} else if _, err := os.Stat(opts.Root); err == nil {
		where = "running, its pins out of sight (in its own mount namespace) or none made yet"
	}
	path, err := exec.LookPath(opts.Command)
	if err != nil {
		return where
	}
	kind := "0.6 (Rust), which loads the companion"
	if exec.CommandContext(ctx, path, "program", "--help").Run() == nil {
		kind = "the Go generation, which loads the program that decides"
	}
	if where == "" {
		where = "nothing loaded yet"
	}
	return fmt.Sprintf("%s is %s; %s", path, kind, where)
}

var verifyOff = regexp.MustCompile(`(?m)^\s*verify_enabled\s*=\s*false`)

// checkSigning warns of the default that keeps a machine without internet from loading anything.
func checkSigning() loader.Finding {
	f := loader.Finding{Check: "bpfman signing", Status: loader.OK, Detail: "verify_enabled = false: loads work without internet"}
	text, err := textfile.Read(configFile)
	if (err == nil || errors.Is(err, os.ErrNotExist)) && !verifyOff.Match(text) {
		f.Detail = "signatures are verified, which asks sigstore's servers at each load"
		f.Remedy = "without internet: verify_enabled = false below [signing] in " + configFile
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.Status, f.Detail = loader.Warning, err.Error()
	}
	return f
}

func checkOrigin(ctx context.Context, place loader.Options, opts Options) loader.Finding {
	f := loader.Finding{Check: "bpfman's load", Status: loader.OK}
	state, err := loader.Inspect(place)
	if errors.Is(err, pathstore.ErrNotLoaded) || err == nil && state.Origin == nil {
		found, err := Find(ctx, opts)
		if err != nil {
			f.Detail = err.Error()
			return f
		}
		defer found.Close()
		f.Detail = fmt.Sprintf("program %d (%s mode), found by %s, not used yet", found.Origin.Program, found.Mode, found.FoundBy)
		f.Remedy = nextUp + " runs on it"
		return f
	}
	var report Report
	if err == nil {
		report, err = Inspect(ctx, state, opts)
	}
	if err != nil {
		f.Status, f.Detail = loader.Warning, err.Error()
		return f
	}
	if report.Condition != ConditionLoaded && report.Condition != ConditionHidden {
		f.Status = loader.Warning
	}
	f.Detail, f.Remedy = string(report.Condition)+": "+report.Detail, report.Next
	return f
}
