// SPDX-License-Identifier: Apache-2.0

// Package browser tests the whole chain with a real browser: Chromium loads from
// the quic-go example over HTTP/3, UDP stops working, and the TCP connection that
// it falls back to resumes from what the QUIC connection reported.
//
// It owns the browser, the page's own timing, and the fallback. It refuses to
// judge how fast anything was: counters and events are the proof, and cmd/browser
// prints the times for people.
//
//	cmd/browser -> browser -> example, rig, lab -> chromium, nftables
package browser
