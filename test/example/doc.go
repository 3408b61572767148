// SPDX-License-Identifier: Apache-2.0

// Package example builds the servers of examples/, runs them inside the hosts of
// a lab, and runs the agent that they report to.
//
// It owns processes: that they are ready when it says so, and gone when the
// test is. It refuses to know what the servers do.
//
//	tests, cmd/browser -> example -> lab, the programs of examples/ and cmd/
package example
