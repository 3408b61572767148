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
		cold        uint32 // where slow start would stand without the jump
		want        uint64
		credit      uint32
	}{
		{"slow start below the saved window", 120_000, 4000, 120_000, 80_000, 124_000, 0},
		{"slow start up to it", 399_999, 4000, 399_999, 80_000, 403_999, 0},
		{"what does not fill a packet is kept", 120_000, 4999, 120_000, 80_000, 124_000, 999},
		{"a quarter from there, far ahead of slow start", 400_000, 4000, 400_000, 80_000, 401_000, 0},
		{"a quarter at twice slow start's window", 400_000, 4000, 400_000, 200_000, 401_000, 0},
		{"a half below twice of it", 400_000, 4000, 400_000, 200_002, 402_000, 0},
		{"a half at three quarters of it", 400_000, 4000, 400_000, 533_332, 402_000, 0},
		{"three quarters below that", 400_000, 4000, 400_000, 533_336, 403_000, 0},
		{"three quarters and not more", 400_000, 4000, 400_000, 1 << 31, 403_000, 0},
		{"of a quarter, too, what does not fill a packet is kept", 400_000, 7999, 400_000, 80_000, 401_000, 999},
		{"window used by half, but for three packets", 120_000, 1000, 56_000, 80_000, 121_000, 0},
		{"window not used", 120_000, 1000, 55_999, 80_000, 120_000, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := inOpenFilling(t)
			s.cwnd, s.Phase.Cold = c.cwnd, c.cold/2
			s.nxt = s.una + c.acked + c.flight
			s.ack(c.acked) // the first of a round: slow start would have doubled
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
	t.Run("small packets add up", func(t *testing.T) {
		s := inOpenFilling(t)
		for range 25 { // less than a quarter of a packet each
			s.nxt = s.una + 120_000 + 100
			s.ack(100)
		}
		s.want(filling, none, 122_000)
	})
}

// What slow start would have reached doubles with each round trip since the jump.
func TestSlowStartWithoutTheJump(t *testing.T) {
	wantCold := func(s *sender, want uint32) {
		t.Helper()
		if s.Phase.Cold != want {
			t.Fatalf("slow start would be at %d, want %d", s.Phase.Cold, want)
		}
	}
	s := inUnvalidated(t)
	wantCold(s, 20_000)
	s.ack(20_000) // all from before the jump
	wantCold(s, 20_000)
	s.ack(1000)
	s.want(validating, firstAcknowledged, 79_000)
	wantCold(s, 40_000)
	s.ack(79_000) // all that had left when that round began
	s.want(filling, lastAcknowledged, 120_000)
	wantCold(s, 40_000)
	s.send()
	for _, want := range []uint32{80_000, 160_000, 320_000} {
		s.ack(1000)
		wantCold(s, want)
		s.ack(s.nxt - s.una)
		wantCold(s, want)
		s.send()
	}
}

// The jump may have filled the queue: the delay of its own packets is looked at
// before the window grows.
func TestFillingLooksBeforeItGrows(t *testing.T) {
	s := inFilling(t)
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
		s.Io.Acked = 1000
		s.event(inputAck)
		s.want(filling, none, 120_000)
		s.ack(1000) // beyond the end of the jump's round
		s.want(filling, none, 122_000)
	})
	t.Run("the look was while validating", func(t *testing.T) {
		s := inValidating(t)
		s.samples(8, uint32(someRTT), 1000)
		s.want(validating, none, 80_000)
		s.ack(71_000)
		s.want(filling, lastAcknowledged, 151_000)
		s.send()
		s.Io.Acked = 1000
		s.event(inputAck)
		s.want(filling, none, 152_000)
	})
	t.Run("samples from there count on", func(t *testing.T) {
		s := inValidating(t)
		s.samples(6, uint32(someRTT), 1000)
		s.ack(73_000)
		s.want(filling, lastAcknowledged, 120_000)
		s.send()
		for _, want := range []uint64{120_000, 122_000} {
			s.Io.RttUs, s.Io.Acked = uint32(someRTT), 1000
			s.event(inputAck)
			s.want(filling, none, want)
		}
	})
}

// 3.4: the window may grow while it is validated: as far as slow start would
// have come, and to the saved window where the delay shows no queue.
func TestValidatingGrowth(t *testing.T) {
	const limit = uint32(someRTT) * 9 / 8 // of a delay without a queue
	cases := []struct {
		name  string
		saved uint32
		cold  uint32
		grow  func(*sender)
		want  uint64
	}{
		{"not without a look", 400_000, 40_000, func(s *sender) { s.samples(7, limit, 1000); s.ack(1000) }, 79_000},
		{"from the eighth sample on", 400_000, 40_000, func(s *sender) { s.samples(8, limit, 1000) }, 80_000},
		{"by what is acknowledged", 400_000, 40_000, func(s *sender) { s.samples(8, limit, 1000); s.ack(500); s.ack(1) }, 80_501},
		{"the lowest of eight counts", 400_000, 40_000, func(s *sender) { s.samples(7, 2*limit, 1000); s.samples(1, limit, 1000) }, 80_000},
		{"not with a queue", 400_000, 40_000, func(s *sender) { s.samples(8, limit+1, 1000); s.ack(1000) }, 79_000},
		{"no more once there is a queue", 400_000, 40_000, func(s *sender) { s.samples(8, limit, 1000); s.samples(9, limit+1, 1000) }, 87_000},
		{"to the saved window", 80_500, 40_000, func(s *sender) { s.samples(9, limit, 1000) }, 80_500},
		{"above the saved window already", 60_000, 40_000, func(s *sender) { s.samples(9, limit, 1000) }, 79_000},
		{"as slow start without a look", 400_000, 100_000, func(s *sender) { s.ack(1000) }, 80_000},
		{"as slow start with a queue", 400_000, 100_000, func(s *sender) { s.samples(9, limit+1, 1000) }, 88_000},
		{"as slow start would have and not more", 400_000, 79_500, func(s *sender) { s.ack(1000) }, 79_500},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := inValidating(t)
			s.Phase.SavedCwnd, s.Phase.Cold = c.saved, c.cold
			c.grow(s)
			s.want(validating, none, c.want)
			s.wantSsthresh(0)
		})
	}
	t.Run("not by what an earlier jump of the connection saw", func(t *testing.T) {
		s := inReconnaissance(t)
		s.Phase.Open, s.Phase.RoundSamples, s.Phase.RoundMinUs = 1, 7, 1
		s.waiting = 80_000
		s.send()
		s.ack(21_000)
		s.want(validating, firstAcknowledged, 79_000)
		s.ack(1000)
		s.samples(7, limit+1, 1000)
		s.want(validating, none, 79_000)
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

func TestFillingJudgesEightSamplesAtATime(t *testing.T) {
	s := inFilling(t)
	const risen = uint32(someRTT + 20_000)
	sample := func(rtt uint32) {
		s.Io.RttUs = rtt
		s.event(inputAck)
	}
	for range 7 {
		sample(risen)
	}
	s.samples(1, uint32(someRTT), 1000) // one low sample clears the eight
	s.want(filling, none, 121_000)
	s.send()
	for range 7 {
		sample(risen) // the seven of before no longer count
		s.want(filling, none, 121_000)
	}
	s.event(inputAck) // without a sample nothing is added
	s.want(filling, none, 121_000)
	sample(risen)
	s.want(normal, pipeFull, 121_000)

	t.Run("whatever round they are of", func(t *testing.T) {
		s := inFilling(t)
		s.samples(4, risen, 0)
		s.ack(1000) // a new round begins
		s.want(filling, none, 121_000)
		s.samples(3, risen, 0)
		s.want(filling, none, 121_000)
		s.samples(1, risen, 0)
		s.want(normal, pipeFull, 121_000)
	})
}
