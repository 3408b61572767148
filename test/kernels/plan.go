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
	{Package: "test/runtime", Timeout: "20m", Omit: []record.Omission{
		{Feature: feature.Links, Tests: "^TestAStrayRegistrationIsNamed$", Why: "a registration that a link cannot replace: by map it can be, as TestAStrayRegistrationIsReplaced shows"},
	}},
	{Package: "test/gate", Timeout: "20m", Omit: []record.Omission{
		{Tests: "^TestTheFirstFlightLeavesEvenly$", Why: "measures pacing in bins of a few ms: an emulated processor's timers are later than that"},
	}},
	{Package: "test/careful", Timeout: "20m"},
}

// Quick is what every commit has to pass: each part of the product once, on
// every kernel, in a few minutes.
var Quick = []record.Suite{}
