// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/image"
)

func newImageInspect(g *global) *cobra.Command {
	var registry image.Registry
	cmd := &cobra.Command{
		Use:   "inspect REFERENCE|PATH",
		Short: "Say what is in an image and what bpfman would make of it",
		Long: `Say what is in an image, in a registry or in an OCI layout, and what bpfman would
make of it: bpfman 0.6, and the one written in Go, which differ. A problem keeps
one of them from loading the image, or makes its labels untrue, and makes the
exit code 1.

` + registryHelp,
		Example: `  tcpresume image inspect ghcr.io/example/tcpresume-bytecode:v1
  tcpresume image inspect tcpresume-bytecode.tar -o json | jq '.findings[] | select(.status!="ok")'`,
		Args: takes("REFERENCE|PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := openImage(cmd.Context(), registry, args[0])
			if err != nil {
				return err
			}
			defer src.Close()
			report, err := image.Inspect(src)
			if err != nil {
				return err
			}
			if err := g.print(cmd, report, func(w io.Writer) error { return printReport(w, report) }); err != nil {
				return err
			}
			if n := report.Problems(); n > 0 {
				return fmt.Errorf("%s found; the remedies are named above", plural(n, "problem", "problems"))
			}
			return nil
		},
	}
	addRegistry(cmd, &registry)
	return cmd
}

func openImage(ctx context.Context, registry image.Registry, where string) (*image.Source, error) {
	if image.IsReference(where) {
		src, err := registry.Open(ctx, where)
		return src, imageInput(err)
	}
	src, err := image.Open(where)
	return src, input(err)
}

func printReport(w io.Writer, r image.Report) error {
	if err := printPairs(w, append([][2]string{{"image", r.Name}}, summaryPairs(r.Summary)...)...); err != nil {
		return err
	}
	fmt.Fprintln(w)
	rows := [][]string{}
	for _, img := range r.Images {
		order := orDash(string(img.Order)+"-endian", img.Order != "")
		rows = append(rows, []string{img.Platform, orDash(img.File, img.File != ""), showVolume(uint64(img.Bytes)), order, verdict(img, image.Bpfman06), verdict(img, image.BpfmanGo)})
	}
	if err := printTable(w, []string{"PLATFORM", "FILE", "SIZE", "BYTE-ORDER", "BPFMAN-0.6", "BPFMAN-GO"}, rowsOf(rows)); err != nil {
		return err
	}
	fmt.Fprintln(w)
	rows = [][]string{}
	for _, f := range r.Findings {
		detail := f.Detail
		if len(f.Platforms) > 0 && len(f.Platforms) < len(r.Images) {
			detail = strings.ReplaceAll(strings.Join(f.Platforms, ", "), "linux/", "") + ": " + detail
		}
		rows = append(rows, []string{f.Check, string(f.Status), detail})
		if f.Remedy != "" {
			rows = append(rows, []string{"", "", "-> " + f.Remedy})
		}
	}
	return printTable(w, []string{"CHECK", "STATUS", "DETAIL"}, rowsOf(rows))
}

func verdict(img image.Image, by image.Generation) string {
	if _, refuses := img.Refusals[by]; refuses {
		return "refuses"
	}
	return "loads"
}
