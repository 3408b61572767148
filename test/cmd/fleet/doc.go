// SPDX-License-Identifier: Apache-2.0

// Command fleet measures what sharing paths between machines costs and gains:
// the way from a report to the maps of another machine, what outages lose, how
// long joining takes, and a client's transfer that lands on the other server.
//
// It owns the parts, one in a file each, and their tables. Machines are agents
// over kernel maps of their own in this process, the NATS server is a process of
// its own. It refuses to assert: a figure is for people to judge.
//
//	fleet -> test/figures, test/balance, pkg/agent, pkg/client, pkg/fleet, nats-server
package main
