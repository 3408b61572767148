// SPDX-License-Identifier: Apache-2.0

package live

import (
	"os"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package.
var loaded *rig.Rig

func TestMain(m *testing.M) {
	if os.Getenv(applicationEnv) != "" {
		os.Exit(application())
	}
	rig.Main(m, &loaded)
}
