// SPDX-License-Identifier: Apache-2.0

// Command tcpresume is the operator's hand on saved congestion state: it puts
// the kernel part up and down, stores paths and policies, and says why a
// connection was or was not resumed.
//
// It owns flags, words for people, JSON for programs and exit codes. It refuses
// rules and kernel knowledge: a verb parses, calls one function of a library
// and prints, data on stdout, messages on stderr.
//
// Arrow: cmd/tcpresume -> agent, bpfman, client, fleet, image, kube, loader, metrics, operator, pathstore, resume, revive
package main
