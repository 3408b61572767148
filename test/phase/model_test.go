// SPDX-License-Identifier: Apache-2.0

package phase

// model is the same machine, written from the RFC's text and from the choices
// that docs/rfc9959.md lists, on numbers that never wrap.
type model struct {
	now uint32

	savedCwnd, savedRTT, maxJump uint64
	rttLow, rttHigh              uint64 // percent

	initialSeen              bool
	initialEnd               uint64
	firstUnvalidated         uint64
	lastUnvalidated          uint64
	jump, pipe               uint64
	limit                    uint32
	flightBefore, cwndBefore uint64
	deliveredBefore          uint64
	jumpedUs, retreatedUs    uint64
	baseRTT, lowest, samples uint64
	roundEnd, cold           uint64 // cold: slow start's window had there been no jump
	credit                   uint64
	opened                   bool // the delay allowed to grow
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
		m.validating(s, acked, rttUs, &v)
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
	least := 3 * s.cwnd // slow start does that in the time that a jump takes,
	if m.limit == byReceiverWindow {
		least = 2 * s.cwnd // but not there
	}
	if jump < least {
		m.enter(normal, noGain, v)
		return
	}
	m.jump, v.cwnd = jump, jump
	m.flightBefore, m.cwndBefore, m.deliveredBefore = s.flight(), s.cwnd, s.delivered
	m.pipe, m.firstUnvalidated, m.jumpedUs = s.flight(), s.nxt, s.nowUs
	m.cold, m.roundEnd = s.cwnd, s.nxt
	m.baseRTT, m.lowest, m.samples, m.opened = s.minRTTUs, never, 0, false
	m.enter(unvalidated, windowLimited, v)
}

// 3.3: at most half of the saved window and max_jump; our own: less behind a
// standing queue, and no more than the receiver or the socket's own bound takes.
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
	if s.clamp < jump {
		jump, m.limit = s.clamp, byClamp
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

// proven is what may stay of a window that nothing else speaks for.
func (m *model) proven(s *sender) uint64 { return max(m.pipe, m.slowStart(s)) }

const never = 1<<32 - 1

// roundPassed reports whether something is acknowledged that was sent after the
// last round began; slow start would have doubled meanwhile.
func (m *model) roundPassed(s *sender) bool {
	if s.una <= m.roundEnd {
		return false
	}
	m.roundEnd, m.cold = s.nxt, min(2*m.cold, 1<<32-1)
	return true
}

// look takes a sample of the delay; of eight in a row the lowest counts. RFC
// 9406: a queue stands where it exceeds the base by an eighth, 4 to 16 ms.
func (m *model) look(rttUs uint64) (full bool) {
	if rttUs != 0 {
		m.lowest = min(m.lowest, rttUs)
		m.samples++
	}
	if m.samples < 8 {
		return false
	}
	full = m.lowest > m.baseRTT+min(16_000, max(4000, m.baseRTT/8))
	m.opened, m.samples, m.lowest = !full, 0, never
	return full
}

func (m *model) unvalidated(s *sender, v *verdict) {
	m.measure(s)
	m.roundPassed(s)
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
		v.cwnd = m.proven(s)
		m.enter(normal, rateLimited, v)
		return
	}
	v.cwnd = max(s.flight(), m.slowStart(s))
	m.enter(validating, trigger, v)
}

// 3.4: growth is slow start's, up to the saved window where no queue was seen,
// otherwise up to where it would have come without the jump.
func (m *model) validating(s *sender, acked, rttUs uint64, v *verdict) {
	m.measure(s)
	m.roundPassed(s)
	m.look(rttUs)
	bound := m.cold
	if m.opened {
		bound = max(bound, m.savedCwnd)
	}
	v.cwnd = max(s.cwnd, m.slowStart(s), min(bound, s.cwnd+acked))
	if s.una < m.lastUnvalidated {
		return
	}
	m.credit = 0
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
	trigger := map[inputNumber]uint32{
		inputLoss: packetLoss, inputECN: ecnCE, inputRTO: rto, inputMTU: pathChanged, inputLocal: localCongestion,
	}[input]
	switch inJump := m.now == unvalidated || m.now == validating; {
	case input == inputRTO && (inJump || m.now == safeRetreat):
		m.leave(s, trigger, v)
		v.ssthresh = max(2*s.mss, m.pipe/2)
	case m.now == safeRetreat:
	case inJump:
		m.retreat(s, trigger, v)
	default:
		m.enter(normal, trigger, v)
	}
}

// leave ends any phase; what the jump opened is not left behind.
func (m *model) leave(s *sender, reason uint32, v *verdict) {
	switch m.now {
	case unvalidated, validating, safeRetreat:
		m.measure(s)
		v.cwnd = min(s.cwnd, m.proven(s))
	}
	m.enter(normal, reason, v)
}

// quarters is how much of slow start's growth is left at the present window.
func (m *model) quarters(s *sender) uint64 {
	switch {
	case s.cwnd < m.savedCwnd:
		return 4
	case s.cwnd < m.cold/4*3:
		return 3
	case s.cwnd < 2*m.cold:
		return 2
	default:
		return 1
	}
}

func (m *model) filling(s *sender, acked, rttUs uint64, v *verdict) {
	if m.look(rttUs) {
		v.ssthresh = s.cwnd
		m.enter(normal, pipeFull, v)
		return
	}
	m.opened = m.roundPassed(s) || m.opened
	if s.flight()+acked+3*s.mss < s.cwnd/2 {
		return
	}
	m.credit += acked * m.quarters(s) / 4
	if m.opened {
		v.cwnd += m.credit - m.credit%s.mss
		m.credit %= s.mss
	}
}
