// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/cmd/tcpresume/internal/record"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newLoad(g *global) *cobra.Command {
	var opts record.Options
	cmd := &cobra.Command{
		Use:   "load FILE|-",
		Short: "Store many paths from NDJSON",
		Long: `Store the paths of a file, or of stdin for "-", one JSON object per line:

    {"peer":"192.0.2.1","cwnd":"256KiB","ssthresh":524288,"rtt_us":80000,"ttl_s":600}

Further fields are mode, sharing, source and netns_cookie, as "dump" writes them.
Only peer and cwnd are required. cwnd and ssthresh are bytes, or a string with a
unit. What only the kernel knows (state, age_s, holder, uses,
retreats, outcome) is ignored, other fields are refused. A line whose ttl_s is 0 has expired and is
left out. If a peer occurs twice, its last line wins.

The first bad line ends the work, with the lines before it in place; --skip-bad
counts such lines instead.`,
		Example: `  tcpresume load paths.ndjson
  tcpresume dump | tcpresume load - --maps /run/other/maps --clamp-ttl`,
		Args: takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, size, err := openInput(cmd, args[0])
			if err != nil {
				return input(err)
			}
			defer from.Close()
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			ruleOf, err := store.PolicyLookup()
			if err != nil {
				return err
			}
			start := time.Now()
			bar := newProgress(cmd, "loading", size)
			opts.Progress = func(bytes, stored int) {
				if size >= 0 {
					bar.set(bytes)
				} else {
					bar.set(stored)
				}
			}
			result, err := record.Load(cmd.Context(), from, store, ruleOf, opts)
			bar.end()
			if err != nil {
				return loadError(result, err)
			}
			g.revive(cmd, pathstore.Rule{Policy: resume.Policy{Live: resume.LiveIdle}})
			return g.printLoaded(cmd, result, time.Since(start))
		},
	}
	cmd.Flags().BoolVar(&opts.ClampTTL, "clamp-ttl", false, "shorten a ttl_s that is longer than the policy allows")
	cmd.Flags().BoolVar(&opts.SkipBad, "skip-bad", false, "go on after a bad line and count it")
	return cmd
}

// openInput also returns the size, for the progress bar; -1 if it has none.
func openInput(cmd *cobra.Command, name string) (io.ReadCloser, int64, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), -1, nil
	}
	file, err := os.Open(cleanPath(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		file.Close()
		return nil, 0, err
	case info.IsDir():
		file.Close()
		return nil, 0, fmt.Errorf("%s is a directory: give a file, or - for stdin", name)
	case !info.Mode().IsRegular():
		return file, -1, nil
	}
	return file, info.Size(), nil
}

func loadError(result record.Result, err error) error {
	stored := plural(result.Stored, "path is stored", "paths are stored")
	var bad *record.LineError
	switch {
	case errors.As(err, &bad):
		return input(fmt.Errorf("%w; %s, --skip-bad goes on after bad lines", err, stored))
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("interrupted; %s", stored)
	}
	return fmt.Errorf("%w; %s", err, stored)
}

func (g *global) printLoaded(cmd *cobra.Command, r record.Result, took time.Duration) error {
	notes := []string{"stored " + speed(r.Stored, took)}
	if r.Clamped > 0 {
		notes = append(notes, plural(r.Clamped, "lifetime", "lifetimes")+" shortened")
	}
	if r.Expired > 0 {
		notes = append(notes, plural(r.Expired, "expired line", "expired lines")+" left out")
	}
	if r.Skipped > 0 {
		notes = append(notes, plural(r.Skipped, "bad line", "bad lines")+" skipped, the first: "+errorLine(r.FirstBad))
	}
	fmt.Fprintln(cmd.ErrOrStderr(), strings.Join(notes, "; "))
	return g.print(cmd, r, func(io.Writer) error { return nil })
}
