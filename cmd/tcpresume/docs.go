// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

//go:generate go run . docs markdown ../../docs/cli

func newDocs() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "docs",
		Hidden: true,
		Short:  "Generate the reference of all verbs",
		Long:   "Generate the reference of all verbs from their help texts.",
		Example: `  tcpresume docs markdown docs/cli
  tcpresume docs man build/man`,
		Args: verbArg,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDocsIn("markdown", "docs/cli", "Write one Markdown file for each verb", doc.GenMarkdownTree))
	cmd.AddCommand(newDocsIn("man", "build/man", "Write one man page for each verb", func(root *cobra.Command, dir string) error {
		return doc.GenManTree(root, &doc.GenManHeader{Section: "8", Source: "tcpresume", Manual: "tcpresume"}, dir)
	}))
	return cmd
}

func newDocsIn(form, dir, short string, write func(root *cobra.Command, dir string) error) *cobra.Command {
	return &cobra.Command{
		Use:     form + " DIR",
		Short:   short,
		Long:    short + " into a directory, which is made if it is missing.",
		Example: "  tcpresume docs " + form + " " + dir,
		Args:    takes("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // a date would make every build differ
			return write(root, args[0])
		},
	}
}
