// SPDX-License-Identifier: Apache-2.0

package main

import (
	_ "embed"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// writerProfile is for programs that write maps which are mounted for them.
//
//go:embed seccomp.json
var writerProfile []byte

const writerProfileName = "writer.json"

func newSeccomp() *cobra.Command {
	return &cobra.Command{
		Use:   "seccomp DIR",
		Short: "Write the seccomp profile by which a pod writes maps without a capability",
		Long: `Write ` + writerProfileName + `, a seccomp profile as container runtimes read it, into a
directory, which is made if it is missing. It allows a small Go program, and of
bpf(2) what opens a pinned map, reads and writes it; nothing that makes a map or
loads a program. The runtimes' own profiles refuse bpf(2) as a whole to who has
neither CAP_BPF nor CAP_SYS_ADMIN.`,
		Example: `  tcpresume seccomp /var/lib/kubelet/seccomp/tcpresume`,
		Args:    takes("DIR"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			name := filepath.Join(args[0], writerProfileName)
			if err := os.WriteFile(name+".new", writerProfile, 0o644); err != nil {
				return err
			}
			return os.Rename(name+".new", name) // a runtime may be reading it
		},
	}
}
