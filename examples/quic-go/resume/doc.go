// SPDX-License-Identifier: Apache-2.0

// Package resume makes the connections of an http3.Server report what their
// paths carry to the tcpresume agent on this machine, in one line:
//
//	resume.Watch(server)
//
// It owns when to report: at the end of a response, once a second while much is
// sent, and when the connection ends; never more than once a second but for the
// end, and never before the path taught anything. It refuses to delay or fail a
// response: without an agent, reports are lost and nothing else happens.
//
// It needs quic-go 0.64.0 or later, the first to tell its congestion window.
//
// Arrow: resume -> quic-go, pkg/client
package resume
