// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/internal/secret"
	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/image"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

const (
	exitOK        = 0
	exitError     = 1
	exitInput     = 2
	exitNotLoaded = 3
	exitNotFound  = 4
	exitRights    = 5
)

// exitHelp is indented so that it is a table in Markdown and man pages too.
const exitHelp = `Exit codes:

    0  done; for "status" also if something works less well than it could
    1  any other error; for "doctor" a problem that keeps tcpresume from working,
       for "image inspect" one that keeps bpfman from loading
    2  wrong usage or input
    3  nothing is loaded, or no agent answers
    4  no such path, policy or image
    5  missing rights, also at a registry`

// inputError marks what the caller can correct.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

func input(err error) error {
	if err == nil {
		return nil
	}
	return inputError{err}
}

func exitCode(err error) int {
	var (
		wrong   inputError
		refused *client.Refused
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, pathstore.ErrNotLoaded), errors.Is(err, bpfman.ErrNothing), errors.Is(err, client.ErrAway),
		errors.As(err, &refused) && refused.Reason == agent.ReasonWaiting:
		return exitNotLoaded
	case errors.Is(err, pathstore.ErrNotFound), errors.Is(err, image.ErrNotFound):
		return exitNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, image.ErrDenied): // the first is EPERM and EACCES too
		return exitRights
	case errors.As(err, &wrong):
		return exitInput
	}
	return exitError
}

func run(ctx context.Context, root *cobra.Command, args []string) int {
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "tcpresume: "+errorLine(err))
	}
	return exitCode(err)
}

// errorLine makes one line of what may be several errors, without the passwords
// of URLs that they quote.
func errorLine(err error) string {
	line := secret.Text(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
	if errors.Is(err, fs.ErrPermission) && !strings.Contains(line, "as root") {
		line += "; run as root"
	}
	return line
}
