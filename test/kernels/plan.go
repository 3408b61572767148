// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

// Everything is what a full run executes. Whatever is left out says why; on the
// running kernel `make test` leaves nothing out.
var Everything = []record.Suite{
	{Package: "pkg/pathstore", Timeout: "2m"},
	{Package: "test/phase", Timeout: "10m"},
	{Package: "test/runtime", Timeout: "30m", Omit: []record.Omission{stray, built}, Expect: []record.Expectation{allThree}},
	{Package: "test/gate", Timeout: "30m", Omit: []record.Omission{memory, even}, Expect: []record.Expectation{bbr}},
	{Package: "test/careful", Timeout: "30m", Omit: []record.Omission{learnt}, Expect: []record.Expectation{bbr}},
}

var (
	stray = record.Omission{
		Feature: feature.Links, Tests: "^TestAStrayRegistrationIsNamed$",
		Why: "there a registration by map cannot be replaced; here it is, as TestAStrayRegistrationIsReplaced shows",
	}
	built = record.Omission{
		Tests: "^TestDownInAPIDNamespaceSaysWhatItDidNotReach$",
		Why:   "it builds the program, and there is no Go",
	}
	memory = record.Omission{
		Feature: feature.Optmem, Tests: "^TestWithoutMemoryTheClaimIsReturned$",
		Why: "nothing else makes socket storage fail on purpose",
	}
	even = record.Omission{
		Tests: "^TestTheFirstFlightLeavesEvenly$",
		Why:   "the client's first window is 64 KiB on Debian's 6.1, so that no whole flight leaves, and 100 Mbit/s are much for one emulated processor",
	}
	learnt = record.Omission{
		Tests: "^TestLearnsWhatThePathCarries$",
		Why:   "one emulated processor that plays sender, path and receiver delivers 100 Mbit/s in bursts, and a burst is learnt as a higher rate",
	}
)

// Where bbr cannot be wrapped, so much fails and no more.
var (
	bbr = record.Expectation{
		Feature: feature.BBR, Tests: `/bbr(,|$)`,
		Why: "there is no wrapper to resume by",
	}
	allThree = record.Expectation{
		Feature: feature.BBR, Tests: "^TestAnUpgradeWhileConnectionsLive$",
		Why: "two wrappers are registered, and the test has all three at work",
	}
)

// Quick is what every commit has to pass: each part of the product once, on
// every kernel, in a few minutes.
var Quick = []record.Suite{
	{Package: "pkg/pathstore", Timeout: "2m"},
	{Package: "test/phase", Timeout: "2m", Run: "^(TestVectors|TestTransitions|TestSeal.*)$"},
	{Package: "test/runtime", Timeout: "5m", Run: "^(TestAnUpgradeWhileConnectionsLive|TestASecondPlaceIsRefused)$", Expect: []record.Expectation{allThree}},
	{Package: "test/gate", Timeout: "5m", Run: "^(TestResumedBeforeTheFirstByte|TestAnIdleStartKeepsTheWindow|TestPassiveSocketsOfEachFamily|TestEachSubflow.*)$", Expect: []record.Expectation{bbr}},
	{Package: "test/careful", Timeout: "5m", Run: "^(TestMaxJumpBoundsTheJump|TestCongestionMarkIsARetreat)$", Expect: []record.Expectation{bbr}},
}
