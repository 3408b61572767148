// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Result is what became of a report.
type Result string

// The results. A held report was right and changes nothing, for a reason.
const (
	Stored  Result = "stored"
	Held    Result = "held"
	Refused Result = "refused"
)

// Reasons of refusals.
const (
	ReasonMalformed = "malformed" // not the message, or too long
	ReasonUID       = "uid"       // this user may not report
	ReasonRate      = "rate"      // too many reports
	ReasonPeer      = "peer"      // not an address that this user may report
	ReasonWindow    = "window"    // larger than this user may report
	ReasonMode      = "mode"      // exact, without the right to it
	ReasonScope     = "scope"     // the policy needs the network namespace
	ReasonStore     = "store"     // the map did not take it
	ReasonWaiting   = "waiting"   // there are no maps yet, or no longer
)

// Reasons of held reports.
const (
	ReasonOlder   = "older"          // a newer sample of the peer has been stored
	ReasonReset   = "reset"          // the window was reset by a migration and has not grown again
	ReasonNothing = "nothing_learnt" // still the initial window, or never filled
	ReasonShared  = "shared"         // many connections report this address
	ReasonOff     = "policy_off"     // no connection would use it
	ReasonExpired = "expired"        // older than the policy's lifetime
)

// RefusalReasons and HeldReasons are all there are, for documents and metrics.
var (
	RefusalReasons = []string{ReasonMalformed, ReasonUID, ReasonRate, ReasonPeer, ReasonWindow, ReasonMode, ReasonScope, ReasonStore, ReasonWaiting}
	HeldReasons    = []string{ReasonOlder, ReasonReset, ReasonNothing, ReasonShared, ReasonOff, ReasonExpired}
)

// Outcome is one report and what became of it.
type Outcome struct {
	At     time.Time
	Who    Credentials
	Result Result
	Reason string        // of a refusal or a hold
	Err    error         // of a refusal
	Report resume.Report // empty where it could not be read
	Path   resume.Path   // what was written, where Result is Stored
}

// Observer is told of every report, after the map was written and before the
// reporter is answered, in the order of the writes. It must not block, nor keep
// the agent waiting: it runs on the way of all reports.
type Observer interface{ Reported(Outcome) }
