// SPDX-License-Identifier: Apache-2.0

// Command reports measures the agent: how many reports a second it takes on one
// core by each way, how soon a report is in the map, what garbage does to it,
// and how much memory it needs.
//
// It owns the load and the table. It refuses to share a core with the agent,
// where there are two: the agent gets one, the load the rest.
//
//	reports -> figures, rig -> pkg/client, pathstore, the tcpresume program
package main
