// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package.
var loaded *rig.Rig

func TestMain(m *testing.M) { rig.Main(m, &loaded) }
