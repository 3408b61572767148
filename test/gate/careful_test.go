// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

var careful = resume.Path{Cwnd: 200_000, Ssthresh: 400_000, RTT: shortPath.RTT, Mode: resume.ModeCareful}

// RFC 9959 leaves the initial window alone, and an idle connection must not keep others from jumping.
func TestCarefulTakesNothingAtEstablished(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, careful)
	for cc, c := range controls {
		t.Run(cc, func(t *testing.T) {
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			check.Same(t, "windows", windowsOf(t, p.server), cold)
			check.Same(t, "congestion control", scene.Control(t, p.server), "resume_"+cc)
			check.Same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree})
			s.expect(t, resumedOnce.plus(c.resumed))
			p.reset(t)
			s.expect(t, closedOnce)
		})
	}
}

// A lost SYN or SYN-ACK may be the path's congestion.
func TestCarefulDistrustsALossyHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		active bool
		want   counts
	}{
		"SYN-ACK lost": {want: counts{"established": 1, "handshake_loss": 1}},
		"SYN lost":     {active: true, want: counts{"established": 1, "handshake_loss": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, shortPath)
			path := careful
			path.Peer = s.Client.IPv4
			listen, dial := lab.ListenSpec{Cgroup: loaded.Cgroup}, lab.DialSpec{}
			if c.active {
				path.Peer = s.Server.IPv4
				listen, dial = lab.ListenSpec{}, lab.DialSpec{CC: "cubic", Cgroup: loaded.Cgroup}
			}
			s.put(t, path)
			listener := s.listen(t, listen)
			if c.active {
				s.Cut(true)
				defer s.Cut(false)
				go func() { // by the count of dropped packets an IPv6 solicitation would pass for the SYN
					for again, err := 0, error(nil); again == 0 && err == nil && t.Context().Err() == nil; time.Sleep(time.Millisecond) {
						again, err = netstat(s.Client, "TCPSynRetrans")
					}
					s.Cut(false)
				}()
			} else {
				const synAck = 0x12
				answers := 0
				s.Capture(func(p lab.Packet) {
					if p.TCP && p.Flags&synAck == synAck {
						answers++
						s.Cut(answers == 1)
					}
				})
				defer s.Capture(nil)
			}
			s.dial(t, listener, dial)
			s.expect(t, c.want)
		})
	}
}

// Without its wrapper careful can do nothing at all.
func TestCarefulWithoutTheWrapperStartsCold(t *testing.T) {
	s := newStage(t, shortPath)
	unregister(t)
	s.put(t, careful)
	for cc := range controls {
		p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
		check.Same(t, "windows", windowsOf(t, p.server), cold)
		check.Same(t, "congestion control", scene.Control(t, p.server), cc)
		s.expect(t, counts{"established": 1, "switch_failed": 1})
		p.reset(t)
		s.expect(t, counts{})
	}
}
