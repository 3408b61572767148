// SPDX-License-Identifier: Apache-2.0

package rights

import (
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// program is tcpresume as it is built from this tree.
var program string

func TestMain(m *testing.M) {
	rig.Isolate(func() int {
		dir, err := os.MkdirTemp("", "tcpresume-rights-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if program, err = rig.BuildProgram(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	})
}
