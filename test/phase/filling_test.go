// SPDX-License-Identifier: Apache-2.0

package phase

import "testing"

// Filling is what follows a validated jump: slow start, reined in (RFC 9959
// section 3.4 hands over to normal congestion control, RFC 9406 says how to
// grow without overrunning the queue).

func TestFillingGrowth(t *testing.T) {
	cases := []struct {
		name        string
		cwnd, acked uint64
		flight      uint64
		want        uint64
		credit      uint32
	}{
		{"slow start below the saved window", 120_000, 4000, 120_000, 124_000, 0},
		{"slow start up to it", 399_999, 4000, 399_999, 403_999, 0},
		{"a quarter from there", 400_000, 4000, 400_000, 401_000, 0},
		{"what does not fill a packet is kept", 400_000, 7999, 400_000, 401_000, 3999},
		{"window used by half, but for three packets", 120_000, 1000, 56_000, 121_000, 0},
		{"window not used", 120_000, 1000, 55_999, 120_000, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := inOpenFilling(t)
			s.cwnd = c.cwnd
			s.nxt = s.una + c.acked + c.flight
			s.ack(c.acked)
			s.want(filling, none, c.want)
			s.wantSsthresh(0)
			if s.Phase.Credit != c.credit {
				t.Errorf("credit %d, want %d", s.Phase.Credit, c.credit)
			}
		})
	}
	t.Run("credit adds up", func(t *testing.T) {
		s := inOpenFilling(t)
		s.cwnd = 400_000
		for range 8 {
			s.nxt = s.una + 400_000 + 1000
			s.ack(1000)
		}
		s.want(filling, none, 402_000)
	})
}

// The jump may have filled the queue: the delay of its own packets is looked at
// before the window grows.
func TestFillingLooksBeforeItGrows(t *testing.T) {
	s := inFilling(t)
	s.nxt = s.una + 120_000
	for samples := range 8 {
		s.Io.RttUs, s.Io.Acked = uint32(someRTT), 1000
		s.event(inputAck)
		if samples < 7 {
			s.want(filling, none, 120_000)
		}
	}
	s.want(filling, none, 128_000) // all that was acknowledged meanwhile

	t.Run("a round without enough samples", func(t *testing.T) {
		s := inFilling(t)
		s.nxt = s.una + 120_000
		s.Io.Acked = 1000
		s.event(inputAck)
		s.want(filling, none, 120_000)
		s.ack(1000) // beyond the end of the jump's round
		s.want(filling, none, 122_000)
	})
}

func TestFillingEndsWhenTheDelayRises(t *testing.T) { // RFC 9406 4.2
	cases := []struct {
		name    string
		base    uint64
		rtt     uint32
		samples int
		want    uint32
	}{
		{"an eighth, not more", 80_000, 90_000, 8, filling},
		{"more than an eighth", 80_000, 90_001, 8, normal},
		{"too few samples", 80_000, 90_001, 7, filling},
		{"4 ms at least, not more", 10_000, 14_000, 8, filling},
		{"more than 4 ms", 10_000, 14_001, 8, normal},
		{"16 ms at most, not more", 300_000, 316_000, 8, filling},
		{"more than 16 ms", 300_000, 316_001, 8, normal},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := inFilling(t)
			s.Phase.BaseRttUs = uint32(c.base)
			for range c.samples {
				s.Io.RttUs = c.rtt
				s.event(inputAck)
			}
			if c.want == filling {
				s.want(filling, none, 120_000)
				s.wantSsthresh(0)
				return
			}
			s.want(normal, pipeFull, 120_000)
			s.wantSsthresh(120_000)
		})
	}
}

func TestFillingJudgesRoundByRound(t *testing.T) {
	s := inFilling(t)
	const risen = uint32(someRTT + 20_000)
	sample := func(rtt uint32) {
		s.Io.RttUs = rtt
		s.event(inputAck)
	}
	for range 7 {
		sample(risen)
	}
	s.Io.RttUs = uint32(someRTT)
	s.ack(1000) // one low sample clears the round; una is only now beyond its end
	s.want(filling, none, 121_000)
	s.send()
	for range 7 {
		sample(risen) // of the new round; the seven of the old one no longer count
		s.want(filling, none, 121_000)
	}
	s.event(inputAck) // without a sample nothing is added
	s.want(filling, none, 121_000)
	sample(risen)
	s.want(normal, pipeFull, 121_000)
}
