// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tcpresume/tcpresume/pkg/image"
)

func newImage(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Make, send and judge the image from which bpfman loads tcpresume",
		Long: `Make, send and judge the OCI image from which bpfman loads tcpresume. It needs no
container engine and no source: the BPF objects for little- and big-endian
machines are in this program. Equal programs make images of equal digest.`,
		Example: `  tcpresume image push ghcr.io/example/tcpresume-bytecode:v1
  tcpresume image inspect ghcr.io/example/tcpresume-bytecode:v1
  tcpresume image build tcpresume-bytecode.tar`,
		Args: verbArg,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImageBuild(g), newImagePush(g), newImageInspect(g), newImageLabels(g))
	return cmd
}

// registryHelp is said wherever a registry is reached.
const registryHelp = `Credentials are those of "podman login" or "docker login", looked for where bpfman
looks: REGISTRY_AUTH_FILE, containers/auth.json below XDG_RUNTIME_DIR or
~/.config, and Docker's configuration with its helpers. Without TLS only
registries on this machine are spoken to.`

func addRegistry(cmd *cobra.Command, r *image.Registry) {
	addPath(cmd.Flags(), &r.CA, "ca", "`FILE` of certificates (PEM) that vouch for registries, beside the system's")
	cmd.Flags().BoolVar(&r.PlainHTTP, "plain-http", false, "speak HTTP without TLS, also beyond this machine")
	_ = cmd.MarkFlagFilename("ca")
}

func addObjects(flags *pflag.FlagSet, files *[]string) {
	flags.StringArrayVar(files, "object", nil, "`FILE` of a BPF object instead of the built-in ones; once for each byte order")
}

// openObjects returns the built-in objects if no file is named.
func openObjects(files []string) ([]image.Object, error) {
	if len(files) == 0 {
		return image.BuiltIn()
	}
	objects := make([]image.Object, len(files))
	for i, file := range files {
		content, err := os.ReadFile(cleanPath(file))
		if err != nil {
			return nil, input(err)
		}
		if objects[i], err = image.ParseObject(content); err != nil {
			return nil, input(fmt.Errorf("%s: %w", file, err))
		}
	}
	return objects, nil
}

func buildBytecode(files []string) (*image.Source, error) {
	objects, err := openObjects(files)
	if err != nil {
		return nil, err
	}
	meta, err := imageMeta()
	if err != nil {
		return nil, err
	}
	src, err := image.Bytecode(objects, meta)
	return src, input(err)
}

const envEpoch = "SOURCE_DATE_EPOCH" // of reproducible-builds.org

func imageMeta() (image.Meta, error) {
	v := thisVersion()
	meta := image.Meta{Version: v.Version, Revision: v.Revision}
	if epoch := os.Getenv(envEpoch); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 {
			return meta, input(fmt.Errorf("%s is %q: give seconds since 1970", envEpoch, epoch))
		}
		meta.Created = time.Unix(seconds, 0)
	}
	return meta, nil
}

func summaryPairs(s image.Summary) [][2]string {
	return [][2]string{
		{"digest", s.Digest},
		{"platforms", orDash(strings.Join(s.Platforms, ", "), len(s.Platforms) > 0)},
		{"size", showVolume(uint64(s.Bytes))},
	}
}
