// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// A client's QUIC connection is on one server, which reports it; its TCP
// connection lands on the other, and resumes there.
func TestTheOtherServerResumes(t *testing.T) {
	ctx, s := site(t, longPath)
	for name, ipv6 := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			peer, saved := s.client(ipv6), resume.Bytes(longPath.BDP())
			before, err := loaded.Counters()
			check.Must(t, err)
			quic, err := s.QUIC(ctx, ipv6)
			check.Must(t, err)
			tcp := s.Other(quic)
			check.Must(t, quic.Report(ctx, peer, uint64(saved), longPath))
			check.Eventually(t, patience, "the entry on the other server", func() bool { return tcp.free(peer) })
			entry, err := tcp.Entry(peer)
			check.Must(t, err)
			want := resume.Path{
				Peer: resume.DefaultPolicy().MaskPeer(peer), Scope: tcp.Netns, Cwnd: saved, RTT: longPath.RTT, TTL: entry.TTL,
				Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceFleet,
			}
			if entry.Path != want {
				t.Errorf("entry of %s is %+v, want %+v", tcp.Name, entry.Path, want)
			}

			claimed := claims(quic)
			transfer, err := s.Connect(ctx, tcp, ipv6)
			check.Must(t, err)
			took, err := transfer.Fetch(1_000_000)
			check.Must(t, err)
			t.Logf("1 MB in %v", took)
			after, err := loaded.Counters()
			check.Must(t, err)
			check.Same(t, "jumps", after["congestion_window_limited"]-before["congestion_window_limited"], 1)

			// The server closes when it has answered, so the claim is soon returned.
			check.Eventually(t, patience, "the claim on the reporting server", func() bool { return claims(quic) > claimed })
			check.Must(t, transfer.Close())
			check.Eventually(t, patience, "the entry's return", func() bool { return quic.free(peer) && tcp.free(peer) })
			entry, err = tcp.Entry(peer)
			check.Must(t, err)
			check.Same(t, "uses on the other server", entry.Uses, 1)
		})
	}
}

func claims(s *Server) uint64 { return s.part().Status().Counts["in_claim"] }

// What was wrong for one connection is gone for all.
func TestARetreatOnOneServerIsOneOnBoth(t *testing.T) {
	ctx, s := site(t, smallPath)
	peer := s.client(false)
	reporter, other := s.Servers[0], s.Servers[1]
	check.Must(t, reporter.Report(ctx, peer, uint64(10*smallPath.BDP()), smallPath)) // of a path ten times as wide
	check.Eventually(t, patience, "the entry on the other server", func() bool { return other.free(peer) })
	transfer, err := s.Connect(ctx, other, false)
	check.Must(t, err)
	_, err = transfer.Fetch(6_000_000)
	check.Must(t, err)
	check.Must(t, transfer.Close())
	check.Eventually(t, patience, "the retreat on both", func() bool { return other.gone(peer) && reporter.gone(peer) })
	if e, err := other.Entry(peer); err != nil || e.State != pathstore.StateSpent || e.Retreats != 1 {
		t.Errorf("where it happened: %+v, %v", e, err)
	}
	if _, err := reporter.Entry(peer); err == nil {
		t.Error("the reporting server still has an entry")
	}
}
