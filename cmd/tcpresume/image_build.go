// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/image"
)

type builtView struct {
	Path string `json:"path"`
	image.Summary
}

func newImageBuild(g *global) *cobra.Command {
	var (
		objects []string
		replace bool
	)
	cmd := &cobra.Command{
		Use:   "build PATH",
		Short: "Write the image into an OCI layout, a directory or an archive",
		Long: `Write the image from which bpfman loads tcpresume into an OCI layout: an archive
if PATH ends in .tar, else a directory. "push --from" sends it on, also from
another machine; podman, skopeo and crane read it too.

All times in the image are 1970-01-01, or ` + envEpoch + ` if that is set, so
that equal programs make images of equal digest.`,
		Example: `  tcpresume image build build/bytecode
  tcpresume image build tcpresume-bytecode.tar --replace -o json | jq -r .digest`,
		Args: takes("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := buildBytecode(objects)
			if err != nil {
				return err
			}
			if err := image.Write(args[0], src, replace); errors.Is(err, image.ErrExists) && !replace {
				return input(fmt.Errorf("%w; --replace puts the new one in its place", err))
			} else if err != nil {
				return err
			}
			summary, err := src.Summary()
			if err != nil {
				return err
			}
			return g.print(cmd, builtView{args[0], summary}, func(w io.Writer) error {
				return printPairs(w, append([][2]string{{"written", args[0]}}, summaryPairs(summary)...)...)
			})
		},
	}
	addObjects(cmd.Flags(), &objects)
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a layout that is there")
	return cmd
}
