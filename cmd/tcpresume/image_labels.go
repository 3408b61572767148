// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/image"
)

// labelForm is how labels are printed for people and shells.
type labelForm string

const (
	formLines     labelForm = "lines"
	formLabels    labelForm = "labels"
	formBuildArgs labelForm = "build-args"
)

func newImageLabels(g *global) *cobra.Command {
	var objects []string
	form := formLines
	cmd := &cobra.Command{
		Use:   "labels",
		Short: "Print the labels that tell bpfman what the object holds",
		Long: `Print the labels that tell bpfman what the object holds, computed from the object.
As build-args they are what Containerfile.bytecode takes, with the version; as
labels what any other build takes. There is no blank in them and no quotes are
needed around them.`,
		Example: `  tcpresume image labels
  podman build --no-cache -f Containerfile.bytecode $(tcpresume image labels --as build-args) .
  podman build --no-cache $(tcpresume image labels --as labels --object my.bpf.o) .`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			parsed, err := openObjects(objects)
			if err != nil {
				return err
			}
			labels := parsed[0].Labels()
			return g.print(cmd, labels, func(w io.Writer) error { return printLabels(w, labels, form) })
		},
	}
	addObjects(cmd.Flags(), &objects)
	addWord(cmd, cmd.Flags(), &form, "as", "", "form", []labelForm{formLines, formLabels, formBuildArgs}, "")
	return cmd
}

func printLabels(w io.Writer, labels map[string]string, form labelForm) error {
	programs, maps := labels[image.LabelPrograms], labels[image.LabelMaps]
	var err error
	switch form {
	case formLabels:
		_, err = fmt.Fprintf(w, "--label %s=%s --label %s=%s\n", image.LabelPrograms, programs, image.LabelMaps, maps)
	case formBuildArgs:
		v := thisVersion()
		_, err = fmt.Fprintf(w, "--build-arg PROGRAMS=%s --build-arg MAPS=%s --build-arg VERSION=%s --build-arg REVISION=%s\n", programs, maps, v.Version, v.Revision)
	default:
		_, err = fmt.Fprintf(w, "%s=%s\n%s=%s\n", image.LabelPrograms, programs, image.LabelMaps, maps)
	}
	return err
}
