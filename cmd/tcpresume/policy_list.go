// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newPolicyList(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the policies in force",
		Long: `List the policies in force, the shortest prefix first. Without a rule for default
the built-in one is listed. "-" is no cap; KEY is how many bits of an address
make the key, RTT the share of the saved round-trip time that confirms a path.`,
		Example: `  tcpresume policy list
  tcpresume policy list -o json | jq '.[] | select(.mode=="exact").prefix'`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			rules, err := store.Policies()
			if err != nil {
				return err
			}
			builtIn := len(rules) == 0 || rules[0].Prefix.IsValid()
			if builtIn {
				rules = append([]pathstore.Rule{{Policy: resume.DefaultPolicy()}}, rules...)
			}
			views := make([]policyView, len(rules))
			rows := make([][]string, len(rules))
			for i, rule := range rules {
				views[i], rows[i] = viewPolicy(rule, builtIn && i == 0), policyRow(rule, builtIn && i == 0)
			}
			return g.print(cmd, views, func(w io.Writer) error { return printTable(w, policyHeader, rowsOf(rows)) })
		},
	}
}
