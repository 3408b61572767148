// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package: loading takes seconds.
var loaded *rig.Rig

func TestMain(m *testing.M) {
	if os.Getenv(applicationEnv) != "" {
		os.Exit(application())
	}
	rig.Isolate(func() int {
		var err error
		if loaded, err = rig.New(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := loaded.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}
