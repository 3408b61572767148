// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"unsafe"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Nobody has to read the ring: what does not fit is counted, and traffic goes on.
func TestEventsThatDoNotFitAreCounted(t *testing.T) {
	s := newStage(t, shortPath)
	s.Events.stop()
	const header, align = 8, 8
	record := uint64(header+unsafe.Sizeof(bytecode.KernelResumeEvent{})+align-1) / align * align
	room := uint64(pinned(t, bytecode.KernelMapResumeEvents).MaxEntries()-1) / record

	s.put(t, resume.Path{Peer: loopback, Cwnd: 10 << 20, Sharing: resume.SharingShared})
	listener := s.loopbackListener(t)
	connections := room/2 + 100 // two events each
	for range connections {
		s.dialLoopback(t, listener, loopback, loopback).reset(t)
	}
	want := resumedOnce.plus(closedEarly).times(connections)
	s.expect(t, want.plus(counts{"events_lost": 2*connections - room}))
}
