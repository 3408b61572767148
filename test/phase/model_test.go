// SPDX-License-Identifier: Apache-2.0

package phase

// model is the same machine, written from the RFC's text and from the choices
// that docs/rfc9959.md lists, on numbers that never wrap.
type model struct {
	now uint32

	savedCwnd, savedRTT, maxJump uint64
	rttLow, rttHigh              uint64 // percent

	initialSeen                bool
	initialEnd                 uint64
	firstUnvalidated           uint64
	lastUnvalidated            uint64
	jump, pipe                 uint64
	limit                      uint32
	flightBefore, cwndBefore   uint64
	deliveredBefore            uint64
	jumpedUs, retreatedUs      uint64
	baseRTT, roundMin, samples uint64
	roundEnd, credit           uint64
	opened                     bool // a look at the delay allowed to grow
}

// verdict is what a model says after an event.
type verdict struct {
	trigger        uint32
	cwnd, ssthresh uint64 // ssthresh 0: as it is
}

func (m *model) enter(now, trigger uint32, v *verdict) {
	m.now, v.trigger = now, trigger
}

func (m *model) event(s *sender, input inputNumber, acked, rttUs uint64) verdict {
	v := verdict{cwnd: s.cwnd}
	congested := input != inputSend && input != inputAck
	switch {
	case m.now == normal || m.now == exact:
	case congested:
		m.congestion(s, input, &v)
	case m.now == reconnaissance:
		m.reconnaissance(s, input, &v)
	case input == inputSend:
	case m.now == unvalidated && !m.pathConfirmed(s):
		m.retreat(s, pathChanged, &v)
	case m.now == unvalidated:
		m.unvalidated(s, &v)
	case m.now == validating:
		m.validating(s, &v)
	case m.now == safeRetreat:
		m.safeRetreat(s, &v)
	case m.now == filling:
		m.filling(s, acked, rttUs, &v)
	}
	return v
}

// 3.2, 4.2.1: above half of the saved RTT and at most ten times it.
func (m *model) pathConfirmed(s *sender) bool {
	return 100*s.minRTTUs > m.rttLow*m.savedRTT && 100*s.minRTTUs <= m.rttHigh*m.savedRTT
}

func (m *model) reconnaissance(s *sender, input inputNumber, v *verdict) {
	if input == inputAck {
		if !m.initialSeen {
			m.initialSeen, m.initialEnd = true, s.nxt
		}
		return
	}
	if !m.initialSeen || s.una < m.initialEnd || s.flight()+s.waiting <= s.cwnd {
		return
	}
	if !m.pathConfirmed(s) {
		m.enter(normal, rttNotValidated, v)
		return
	}
	jump := m.jumpWindow(s)
	if jump < 2*s.cwnd {
		m.enter(normal, noGain, v)
		return
	}
	m.jump, v.cwnd = jump, jump
	m.flightBefore, m.cwndBefore, m.deliveredBefore = s.flight(), s.cwnd, s.delivered
	m.pipe, m.firstUnvalidated, m.jumpedUs = s.flight(), s.nxt, s.nowUs
	m.enter(unvalidated, windowLimited, v)
}

// 3.3: at most half of the saved window and max_jump; our own: less behind a
// standing queue, and no more than the receiver takes.
func (m *model) jumpWindow(s *sender) uint64 {
	jump := m.savedCwnd / 2
	m.limit = bySavedWindow
	if m.maxJump != 0 && m.maxJump < jump {
		jump, m.limit = m.maxJump, byMaxJump
	}
	if rtt := max(s.srttUs, s.minRTTUs); rtt > m.savedRTT+m.savedRTT/8+2000 {
		for range 2 {
			jump = jump * m.savedRTT / rtt
		}
		m.limit = byStandingQueue
	}
	if s.receiverWindow < jump {
		jump, m.limit = s.receiverWindow, byReceiverWindow
	}
	return jump
}

// PipeSize: the flight at the jump or what was delivered since, whichever is
// more, up to the last unvalidated byte.
func (m *model) measure(s *sender) {
	if m.now == unvalidated {
		m.lastUnvalidated = s.nxt
	}
	jumped := m.lastUnvalidated - m.firstUnvalidated
	m.pipe = max(m.flightBefore, min(s.delivered-m.deliveredBefore, m.flightBefore+jumped))
}

// slowStart is the window without a jump, and never below IW.
func (m *model) slowStart(s *sender) uint64 {
	return max(s.initialWindow, m.cwndBefore+s.delivered-m.deliveredBefore)
}

func (m *model) unvalidated(s *sender, v *verdict) {
	m.measure(s)
	v.cwnd = m.jump
	var trigger uint32
	switch {
	case s.una > m.firstUnvalidated:
		trigger = firstAcknowledged
	case s.flight()+s.mss > m.jump:
		trigger = lastSent
	case s.nowUs-m.jumpedUs > max(s.srttUs, s.minRTTUs):
		trigger = rttExceeded
	default:
		return
	}
	if s.flight() < s.initialWindow || s.flight() <= m.pipe {
		v.cwnd = max(m.pipe, m.slowStart(s))
		m.enter(normal, rateLimited, v)
		return
	}
	v.cwnd = max(s.flight(), m.slowStart(s))
	m.enter(validating, trigger, v)
}

func (m *model) validating(s *sender, v *verdict) {
	m.measure(s)
	v.cwnd = max(s.cwnd, m.slowStart(s))
	if s.una < m.lastUnvalidated {
		return
	}
	m.baseRTT, m.credit, m.opened = s.minRTTUs, 0, false
	m.newRound(s)
	m.enter(filling, lastAcknowledged, v)
}

func (m *model) retreat(s *sender, trigger uint32, v *verdict) {
	m.measure(s)
	v.cwnd = max(2*s.mss, min(s.cwnd, m.pipe/2))
	v.ssthresh = v.cwnd
	m.retreatedUs = s.nowUs
	m.enter(safeRetreat, trigger, v)
}

func (m *model) safeRetreat(s *sender, v *verdict) {
	m.measure(s)
	sentAfter := s.newestUs() >= int64(m.retreatedUs)
	if s.una < m.lastUnvalidated && !sentAfter {
		return
	}
	v.ssthresh = max(2*s.mss, m.pipe/2)
	m.enter(normal, exitRecovery, v)
}

func (m *model) congestion(s *sender, input inputNumber, v *verdict) {
	trigger := map[inputNumber]uint32{inputLoss: packetLoss, inputECN: ecnCE, inputRTO: rto}[input]
	switch inJump := m.now == unvalidated || m.now == validating; {
	case input == inputRTO && (inJump || m.now == safeRetreat):
		m.measure(s)
		v.ssthresh = max(2*s.mss, m.pipe/2)
		m.enter(normal, trigger, v)
	case m.now == safeRetreat:
	case inJump:
		m.retreat(s, trigger, v)
	default:
		m.enter(normal, trigger, v)
	}
}

func (m *model) newRound(s *sender) {
	m.roundEnd, m.roundMin, m.samples = s.nxt, 1<<32-1, 0
}

// RFC 9406: full when the lowest RTT of a round exceeds the base by an eighth, 4 to 16 ms.
func (m *model) filling(s *sender, acked, rttUs uint64, v *verdict) {
	if rttUs != 0 {
		m.roundMin = min(m.roundMin, rttUs)
		m.samples++
	}
	if m.samples >= 8 && m.roundMin > m.baseRTT+min(16_000, max(4000, m.baseRTT/8)) {
		v.ssthresh = s.cwnd
		m.enter(normal, pipeFull, v)
		return
	}
	m.opened = m.opened || m.samples >= 8 || s.una > m.roundEnd
	if s.una > m.roundEnd {
		m.newRound(s)
	}
	if s.flight()+acked+3*s.mss < s.cwnd/2 {
		return
	}
	m.credit += acked
	switch {
	case !m.opened:
	case s.cwnd < m.savedCwnd:
		v.cwnd += m.credit
		m.credit = 0
	default:
		v.cwnd += m.credit / (4 * s.mss) * s.mss
		m.credit %= 4 * s.mss
	}
}
