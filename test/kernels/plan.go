// SPDX-License-Identifier: Apache-2.0

package kernels

import "github.com/tcpresume/tcpresume/test/kernels/record"

// Everything is what a full run executes.
var Everything = []record.Suite{
	{Package: "pkg/pathstore", Timeout: "2m"},
	{Package: "test/phase", Timeout: "10m"},
{Package: "test/lab", Timeout: "10m"},
	{Package: "test/runtime", Timeout: "20m"},
	{Package: "test/gate", Timeout: "20m"},
	{Package: "test/careful", Timeout: "20m"},
}
