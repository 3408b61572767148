// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

type stage struct{ *scene.Stage }

func newStage(t *testing.T, path lab.Path) *stage {
	t.Helper()
	return &stage{scene.New(t, loaded, path)}
}

// Stories that several tests share.
const (
	jumps     = "reconnaissance, unvalidated: congestion_window_limited"
	validates = "unvalidated, validating: first_unvalidated_packet_acknowledged"
	fills     = "validating, filling: last_unvalidated_packet_acknowledged"
	isFull    = "filling, normal: pipe_full"
	recovers  = "safe_retreat, normal: exit_recovery"
)
