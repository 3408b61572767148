// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	kills = flag.Int("kills", 20, "how often the agent is killed")
	crowd = flag.Int("crowd", 2000, "how many connections are open at the same time")
	mdOut = flag.String("md", "", "`file` to write the table of all faults to")
)

// program is tcpresume as it is built from this tree.
var program string

func TestMain(m *testing.M) {
	if dir := os.Getenv(crowdEnv); dir != "" {
		os.Exit(beCrowd(dir))
	}
	flag.Parse()
	rig.Isolate(func() int {
		dir, err := os.MkdirTemp("", "tcpresume-faults-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if program, err = rig.BuildProgram(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if *mdOut != "" {
			if err := os.WriteFile(*mdOut, report(), 0o644); err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
		}
		return code
	})
}
