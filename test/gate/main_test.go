// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package: loading takes seconds, and there
// cannot be a second one, because congestion control names are the kernel's.
var loaded *rig.Rig

func TestMain(m *testing.M) {
	rig.Isolate(func() int {
		var err error
		if loaded, err = rig.New(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		for _, wrapper := range loaded.State.Wrappers {
			if !wrapper.Registered {
				fmt.Fprintf(os.Stderr, "%s: %s\n", wrapper.Name, wrapper.Reason)
				return 1
			}
		}
		code := m.Run()
		if err := loaded.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}
