// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// value is a flag whose parser explains its errors; those of pflag name Go functions.
type value[T comparable] struct {
	to    *T
	kind  string
	parse func(string) (T, error)
}

func (v value[T]) Type() string { return v.kind }

func (v value[T]) Set(text string) error {
	parsed, err := v.parse(text)
	if err == nil {
		*v.to = parsed
	}
	return err
}

// String is empty for the zero value, which help then does not call a default.
func (v value[T]) String() string {
	var zero T
	if v.to == nil || *v.to == zero {
		return ""
	}
	return fmt.Sprint(*v.to)
}

func addBytes(flags *pflag.FlagSet, to *resume.Bytes, name, usage string) {
	flags.Var(value[resume.Bytes]{to, "SIZE", resume.ParseBytes}, name, usage)
}

// addPath adds a flag that is a path. A slash behind it, as shells complete
// directories, is not a part of it.
func addPath(flags *pflag.FlagSet, to *string, name, usage string) {
	flags.Var(value[string]{to, "PATH", func(text string) (string, error) { return cleanPath(text), nil }}, name, usage)
}

// cleanPath keeps the empty text, which leaves the choice to a default.
func cleanPath(text string) string {
	if text == "" {
		return ""
	}
	return filepath.Clean(text)
}

// envPath is an environment variable that is a path.
func envPath(name string) string { return cleanPath(os.Getenv(name)) }

func addDuration(flags *pflag.FlagSet, to *time.Duration, name, usage string) {
	flags.Var(value[time.Duration]{to, "DURATION", parseDuration}, name, usage)
}

func addInt(flags *pflag.FlagSet, to *int, name, usage string) {
	flags.Var(value[int]{to, "N", parseInt}, name, usage)
}

// addWord lists the words in the help and completes them.
func addWord[W ~string](cmd *cobra.Command, flags *pflag.FlagSet, to *W, name, short, what string, allowed []W, usage string) {
	words := make([]string, len(allowed))
	for i, word := range allowed {
		words[i] = string(word)
	}
	parse := func(text string) (W, error) { return resume.ParseWord(what, text, allowed) }
	help := what + ": " + strings.Join(words, ", ")
	if usage != "" {
		help += "; " + usage
	}
	flags.VarP(value[W]{to, "WORD", parse}, name, short, help)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration: give a number with a unit, as in 80ms or 10m", text)
	case d < 0:
		return 0, fmt.Errorf("%q is negative: give a duration such as 80ms or 10m", text)
	case d == 0:
		return 0, fmt.Errorf("%q is no time at all: give a duration such as 80ms or 10m, or leave the flag out", text)
	}
	return d, nil
}

func parseInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%q is not a whole number of 0 or more", text)
	}
	return n, nil
}

func flagError(cmd *cobra.Command, err error) error {
	var (
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
		number  *strconv.NumError
	)
	switch help := fmt.Sprintf("see \"%s --help\"", cmd.CommandPath()); {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &number): // of the kinds that pflag parses itself, only bool is used
		return input(fmt.Errorf("%q is neither true nor false; %s", number.Num, help))
	case errors.As(err, &invalid):
		return input(fmt.Errorf("--%s: %w", invalid.GetFlag().Name, invalid.Unwrap()))
	case errors.As(err, &missing):
		return input(fmt.Errorf("--%s needs a value; %s", missing.GetFlag().Name, help))
	default:
		return input(fmt.Errorf("%w; %s", err, help))
	}
}
