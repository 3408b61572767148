// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// version is set by the linker in releases.
var version string

type versionView struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Bytecode string `json:"bytecode"` // equal objects have equal names
	Go       string `json:"go"`
	Kernel   string `json:"kernel"`
}

func newVersion(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the version of this program, its bytecode and the kernel",
		Long: `Show the version of this program, the digest of the BPF objects in it, the Go
version that built it and the running kernel.`,
		Example: `  tcpresume version
  tcpresume version -o json`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := thisVersion()
			return g.print(cmd, v, func(w io.Writer) error {
				return printPairs(w,
					[2]string{"tcpresume", v.Version},
					[2]string{"revision", orDash(v.Revision, v.Revision != "")},
					[2]string{"bytecode", v.Bytecode},
					[2]string{"go", v.Go},
					[2]string{"kernel", v.Kernel},
				)
			})
		},
	}
}

func thisVersion() versionView {
	v := versionView{
		Version:  version,
		Bytecode: fmt.Sprintf("%016x", bytecode.Build()),
		Go:       fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH),
		Kernel:   "unknown",
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		dirty := ""
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				v.Revision = s.Value
			case s.Key == "vcs.modified" && s.Value == "true":
				dirty = "-dirty"
			}
		}
		if v.Revision != "" {
			v.Revision += dirty
		}
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		v.Kernel = unix.ByteSliceToString(uts.Release[:]) + " " + unix.ByteSliceToString(uts.Machine[:])
	}
	return v
}
