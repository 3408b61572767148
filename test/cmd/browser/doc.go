// SPDX-License-Identifier: Apache-2.0

// Command browser shows what a page's response takes after a real browser fell
// back from HTTP/3 to TCP, without tcpresume and with it in the same run, and
// what the kernel tells of the connection.
//
// It owns two scenes, a table and the record of events. It refuses to judge:
// the tests of package browser do.
//
//	cmd/browser -> test/figures, test/browser, test/example, test/rig, pkg/resume
package main
