// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newAskList(g *global) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "Show whose applications may ask",
		Long:              "Show the cgroups whose applications may ask for their connections, and what they may have.",
		Example:           `  tcpresume ask list -o json`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := loader.Inspect(g.options()); err != nil {
				return err
			}
			asks, err := loader.Asks(g.options())
			if err != nil {
				return err
			}
			if asks == nil {
				asks = []loader.Ask{}
			}
			return g.printAsks(cmd, asks, asks...)
		},
	}
}
