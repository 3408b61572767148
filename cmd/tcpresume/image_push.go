// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/image"
)

type pushedView struct {
	Reference string `json:"reference"`
	Pinned    string `json:"pinned"` // the same by its digest
	image.Summary
}

func newImagePush(g *global) *cobra.Command {
	var (
		registry image.Registry
		objects  []string
		from     string
	)
	cmd := &cobra.Command{
		Use:   "push REFERENCE",
		Short: "Send the image to a registry",
		Long: `Make the image from which bpfman loads tcpresume and send it to a registry, or send
what is in an OCI layout with --from. What the registry has already is not sent
again, and the name is set last, so that a push that broke off changes nothing.

` + registryHelp,
		Example: `  tcpresume image push ghcr.io/example/tcpresume-bytecode:v1
  tcpresume image push registry.local:5000/tcpresume-bytecode:v1 --ca ca.pem
  tcpresume image push registry.local/tcpresume-bytecode:v1 --from tcpresume-bytecode.tar`,
		Args:              takes("REFERENCE"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			src, err := openPushed(from, objects)
			if err != nil {
				return err
			}
			defer src.Close()
			summary, err := src.Summary()
			if err != nil {
				return err
			}
			bar := newProgress(cmd, "pushing", summary.Bytes)
			err = registry.Push(cmd.Context(), src, args[0], func(done int64) { bar.set(int(min(done, summary.Bytes))) })
			bar.end()
			if err != nil {
				return imageInput(err)
			}
			view := pushedView{args[0], pinned(args[0], summary.Digest), summary}
			return g.print(cmd, view, func(w io.Writer) error {
				return printPairs(w, append([][2]string{{"pushed", view.Reference}, {"pinned", view.Pinned}}, summaryPairs(summary)...)...)
			})
		},
	}
	addObjects(cmd.Flags(), &objects)
	addPath(cmd.Flags(), &from, "from", "`PATH` of an OCI layout, a directory or an archive, to send instead")
	_ = cmd.MarkFlagFilename("from")
	cmd.MarkFlagsMutuallyExclusive("from", "object")
	addRegistry(cmd, &registry)
	return cmd
}

func openPushed(from string, objects []string) (*image.Source, error) {
	if from == "" {
		return buildBytecode(objects)
	}
	src, err := image.Open(from)
	return src, input(err)
}

// pinned names by a digest what a reference names by a tag.
func pinned(reference, digest string) string {
	reference, _, _ = strings.Cut(reference, "@")
	if i := strings.LastIndexByte(reference, ':'); i > strings.LastIndexByte(reference, '/') {
		reference = reference[:i]
	}
	return reference + "@" + digest
}

// imageInput marks what is wrong with what the caller typed.
func imageInput(err error) error {
	if errors.Is(err, image.ErrReference) {
		return input(err)
	}
	return err
}
