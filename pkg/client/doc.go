// SPDX-License-Identifier: Apache-2.0

// Package client is what a Go server imports to report the congestion state of
// its QUIC connections to the agent of the same machine.
//
// It owns the two ways there (one datagram per report; batches over HTTP), and
// what happens while the agent is away: the server never waits for it. It
// refuses to decide what a report is worth, which is the agent's, and to know
// any QUIC stack: who has the numbers fills in a resume.Report.
//
//	reporter := client.New(client.Options{})
//	defer reporter.Close()
//	_ = reporter.Report(ctx, resume.Report{Peer: peer, Cwnd: cwnd, MinRTT: rtt})
//
// Arrow: client -> resume, standard library
package client
