// SPDX-License-Identifier: Apache-2.0

package live

import (
	"testing"

	"github.com/tcpresume/tcpresume/test/lab"
)

func TestIdleConnectionResumes(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			p := s.greeted(t, cc, lab.DialSpec{})
			same(t, "congestion control before", control(t, p.server), cc)
			s.idle(t, p)
			s.put(t, s.bdp())
			same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"resumed": 1})
			same(t, "congestion control", control(t, p.server), "resume_"+cc)
			p.send(t, 3_000_000)
			s.ended(t, p, jumps, validates, fills, isFull)
			same(t, "entry", s.entry(t, s.Client.IPv4).Uses, 1)
		})
	}
}
