// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/internal/secret"
)

// takes requires exactly the named arguments.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return input(fmt.Errorf("%s is missing: write \"%s\"; see \"%s --help\"",
				names[len(args)], strings.TrimSuffix(cmd.UseLine(), " [flags]"), cmd.CommandPath()))
		case len(args) > len(names) && len(names) == 0:
			return input(fmt.Errorf("%q is too much: \"%s\" takes no argument", secret.Words(args[0], args[0]), cmd.CommandPath()))
		case len(args) > len(names):
			return input(fmt.Errorf("%q is too much: \"%s\" takes %s only", secret.Words(args[len(names)], args[len(names)]), cmd.CommandPath(), strings.Join(names, " ")))
		}
		return nil
	}
}
