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

// leastCareful is the smallest window, in segments, that careful resumes from:
// the jump is half of it, and is to be three times the initial window of ten.
const leastCareful = 2 * 3 * 10

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
	if effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful {
		jump := capped(cwnd/2, rule.Policy.MaxJump)
		return fmt.Sprintf("starts as usual; once its first window is acknowledged and the round-trip time confirmed, it may jump to %d segments of %d bytes%s",
			jump/exampleMSS, exampleMSS, note)
	}
	text := fmt.Sprintf("starts with %d segments of %d bytes%s", cwnd/exampleMSS, exampleMSS, note)
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
		return "the entry was not written by tcpresume; store it again"
	case e.State == pathstore.StateExpired:
		return "the entry's lifetime is over; store it again"
	case e.Age >= rule.Policy.Lifetime:
		return fmt.Sprintf("the entry is older than the %s that the policy allows; store it again", showDuration(rule.Policy.Lifetime))
	case capped(e.Cwnd, rule.Policy.MaxCwnd) < exampleMSS:
		return fmt.Sprintf("%d bytes are less than one segment of %d", uint32(capped(e.Cwnd, rule.Policy.MaxCwnd)), exampleMSS)
	case effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && e.RTT == 0:
		return "careful needs the RTT of the path to confirm it; store it with --rtt"
	case effectiveMode(e.Mode, rule.Policy) == resume.ModeCareful && capped(e.Cwnd, rule.Policy.MaxCwnd) < leastCareful*exampleMSS:
		return fmt.Sprintf("half of %d bytes gains nothing over the usual start", uint32(capped(e.Cwnd, rule.Policy.MaxCwnd)))
	}
	return ""
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
