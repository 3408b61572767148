// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// progress is a bar on stderr if a person looks at it; otherwise it is nothing.
type progress struct{ bar *progressbar.ProgressBar }

// newProgress counts to total bytes, or paths without an end if total is -1.
func newProgress(cmd *cobra.Command, what string, total int64) progress {
	if !isTerminal(cmd.ErrOrStderr()) {
		return progress{}
	}
	return progress{progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(total >= 0),
		progressbar.OptionSetWidth(20), // fits 80 columns with all that stands beside it
		progressbar.OptionShowCount(),
		progressbar.OptionSetItsString("paths"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (p progress) set(n int) {
	if p.bar != nil {
		_ = p.bar.Set(n)
	}
}

func (p progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// speed is left out where it would say more about the clock.
func speed(n int, took time.Duration) string {
	const few = 10_000
	if n < few {
		return plural(n, "path", "paths")
	}
	return fmt.Sprintf("%s in %s (%s/s)", plural(n, "path", "paths"), took.Round(time.Millisecond), showCount(uint64(float64(n)/took.Seconds())))
}
