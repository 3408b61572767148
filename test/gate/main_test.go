// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package.
var loaded *rig.Rig

func TestMain(m *testing.M) { rig.Main(m, &loaded, hasWrappers) }

func hasWrappers(r *rig.Rig) error {
	for _, wrapper := range r.State.Wrappers {
		if !wrapper.Registered && !strings.Contains(wrapper.Reason, rig.BrokenBBR) {
			return fmt.Errorf("%s: %s", wrapper.Name, wrapper.Reason)
		}
	}
	return nil
}
