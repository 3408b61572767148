// SPDX-License-Identifier: Apache-2.0

package live

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

type stage struct{ *scene.Stage }

func newStage(t *testing.T, path lab.Path) *stage {
	t.Helper()
	s := &stage{scene.New(t, loaded, path)}
	s.Events.Tell = tell
	return s
}

// Stories that several tests share.
const (
	jumps     = "reconnaissance, unvalidated: congestion_window_limited"
	validates = "unvalidated, validating"
	fills     = "validating, filling: last_unvalidated_packet_acknowledged"
	isFull    = "filling, normal"
	inUse     = "reconnaissance, normal: in_use_elsewhere"
)

// tell leaves out which of three ways led into Validating, as that depends on
// what was in flight before the jump, and whether delay or a loss ended Filling,
// as that depends on what else the machine does.
func tell(e pathstore.Event) string {
	step := e.OldPhase + ", " + e.Phase
	if step == validates || step == isFull {
		return step
	}
	return step + ": " + e.Trigger
}

// idle waits until the server's end counts as idle: nothing in flight for longer than its timeout.
func (s *stage) idle(t testing.TB, all ...*scene.Pair) {
	t.Helper()
	for _, p := range all {
		check.Eventually(t, scene.Patience, "an idle connection", func() bool {
			seen := scene.Info(t, p.Server)
			return seen.Unacked == 0 && time.Duration(seen.Last_data_sent)*time.Millisecond > 2*time.Duration(seen.Rto)*time.Microsecond
		})
	}
}

// pass makes one over the server's namespace, which a walk through the host's would not find.
func (s *stage) pass(t testing.TB) (result revive.Result) {
	t.Helper()
	check.Must(t, s.Server.Do(func() (err error) {
		result, err = revive.Here(loader.LiveLink(loaded.Options.Pins))
		return err
	}))
	return result
}

// jumped waits for the jump; a busy machine's delays, and the client of an older kernel, may bound it further.
func (s *stage) jumped(t testing.TB, p *scene.Pair, want resume.Bytes) {
	t.Helper()
	jump := s.Events.Change(t, p, "unvalidated")
	if jump.Limit == "standing_queue" || jump.Limit == "receiver_window" {
		check.Between(t, "jump", jump.Jump, want/4, want)
	} else {
		check.Same(t, "jump", jump.Jump, want)
	}
	check.Same(t, "window at the jump", jump.Cwnd, uint32(jump.Jump)/jump.MSS)
}
