// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newPolicyDelete(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "delete PREFIX|default",
		Short: "End the policy of a prefix",
		Long: `End the policy of a prefix. The next shorter prefix that has one takes over, at
last the built-in default.`,
		Example: `  tcpresume policy delete 198.51.100.0/24
  tcpresume policy delete default`,
		Args:              takes("PREFIX"),
		ValidArgsFunction: g.completePrefixes,
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, err := resume.ParsePrefix(args[0])
			if err != nil {
				return input(err)
			}
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			if err := store.DeletePolicy(prefix); err != nil {
				return err
			}
			name := resume.FormatPrefix(prefix)
			return g.print(cmd, map[string]string{"deleted": name}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "deleted the policy of %s\n", name)
				return err
			})
		},
	}
}
