// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// exampleMSS makes segments of bytes for people: Ethernet's, with timestamps.
// The kernel takes each socket's own.
const exampleMSS = 1448

// effectiveMode is the mode that counts: an entry may choose, unless its policy is off.
func effectiveMode(mode resume.Mode, policy resume.Policy) resume.Mode {
	if mode == resume.ModePolicy || policy.Mode == resume.ModeOff {
		return policy.Mode
	}
	return mode
}

func effectiveSharing(sharing resume.Sharing, policy resume.Policy) resume.Sharing {
	if sharing == resume.SharingPolicy {
		return policy.Sharing
	}
	return sharing
}

// nextConnection says what an entry will do for its peer, or why nothing.
func nextConnection(e pathstore.Entry, rule pathstore.Rule) string {
	if e.Scope == resume.ScopeToken {
		return "none by itself: it waits for an application to ask for it by its token"
	}
	if reason := whyCold(e, rule); reason != "" {
		return "starts cold: " + reason
	}
	cwnd := capped(e.Cwnd, rule.Policy.MaxCwnd)
	note := ""
	if cwnd != e.Cwnd {
		note = ", as the policy caps it"
	}
	if e.Retreats != 0 {
		note += fmt.Sprintf(", halved for each of %s since the path last served", plural(int(e.Retreats), "retreat", "retreats"))
	}
	if effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && e.Jumper != 0 {
		return fmt.Sprintf("starts as usual, and does not jump while another connection (socket %d) does on the same path", e.Jumper)
	}
	if effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful {
		jump := jumpAllowed(e, rule.Policy)
		return fmt.Sprintf("starts as usual; once its first window is acknowledged and the round-trip time confirmed, it may jump to %d segments of %d bytes%s",
			jump/exampleMSS, exampleMSS, note)
	}
	window := max(halved(cwnd, e.Retreats), min(cwnd, initialWindow))
	text := fmt.Sprintf("starts with %d segments of %d bytes%s", window/exampleMSS, exampleMSS, note)
	if ssthresh := capped(e.Ssthresh, rule.Policy.MaxSsthresh); ssthresh != 0 {
		return text + fmt.Sprintf("; slow start ends at %d", ssthresh/exampleMSS)
	}
	return text + "; slow start is unbounded"
}

func whyCold(e pathstore.Entry, rule pathstore.Rule) string {
	switch {
	case rule.Policy.Mode == resume.ModeOff:
		return "the policy of " + resume.FormatPrefix(rule.Prefix) + " is off"
	case e.Mode == resume.ModeOff:
		return "the entry is off"
	case e.State == pathstore.StateInUse:
		return fmt.Sprintf("a live connection (socket %d) holds the entry, which serves one only", e.Holder)
	case e.State == pathstore.StateSpent:
		return "the entry is spent, used once or found expired; store it again"
	case e.State == pathstore.StateDamaged:
		return "the entry was not written by tcpresume, or with the time of another clock; store it again"
	case e.State == pathstore.StateExpired:
		return "the entry's lifetime is over; store it again"
	case e.Age >= rule.Policy.Lifetime:
		return fmt.Sprintf("the entry is older than the %s that the policy allows; store it again", showDuration(rule.Policy.Lifetime))
	case capped(e.Cwnd, rule.Policy.MaxCwnd) < exampleMSS:
		return fmt.Sprintf("%d bytes are less than one segment of %d", uint32(capped(e.Cwnd, rule.Policy.MaxCwnd)), exampleMSS)
	case effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && e.RTT == 0:
		return "careful needs the RTT of the path to confirm it; store it with --rtt"
	case effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && (e.RTT < pathstore.ShortRTT() || e.Peer.IsLoopback()):
		return fmt.Sprintf("careful gains nothing on loopback or where a round trip takes less than %s; mode exact is for whoever wants it all the same", showDuration(pathstore.ShortRTT()))
	case effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && jumpAllowed(e, rule.Policy) < resume.Bytes(pathstore.JumpWindows())*initialWindow:
		return fmt.Sprintf("a jump to %d bytes, %s, saves no round trip over the usual start", uint32(jumpAllowed(e, rule.Policy)), whatIsLeft(e))
	}
	return ""
}

// initialWindow is what every connection starts with (RFC 6928).
const initialWindow = 10 * exampleMSS

// jumpAllowed is path_jump of bpf/policy.h.
func jumpAllowed(e pathstore.Entry, policy resume.Policy) resume.Bytes {
	return halved(capped(capped(e.Cwnd, policy.MaxCwnd)/2, policy.MaxJump), e.Retreats)
}

func halved(b resume.Bytes, retreats uint32) resume.Bytes { return b >> min(retreats, 31) }

func whatIsLeft(e pathstore.Entry) string {
	if e.Retreats == 0 {
		return "half of the window at most"
	}
	return fmt.Sprintf("what %s since the path last served leave", plural(int(e.Retreats), "retreat", "retreats"))
}

func capped(b, most resume.Bytes) resume.Bytes {
	if most != 0 && b > most {
		return most
	}
	return b
}

// showKey writes whom an entry is for: an address, a token, or an address for which an application asked.
func showKey(e pathstore.Entry) string {
	if e.Scope != resume.ScopeToken && e.Scope&resume.ScopeAsked != 0 {
		return e.Peer.String() + " (asked)"
	}
	return resume.FormatKey(e.Peer, e.Scope)
}
