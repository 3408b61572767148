// SPDX-License-Identifier: Apache-2.0

// Package balance owns two servers behind a hashing balancer and a client at the
// end of a long path: each server in a network namespace of its own, with an
// agent of its own, and a NATS server between the agents.
//
// One kernel has one tcpresume. So the servers share its maps, and a policy keeps
// one entry for each network namespace in them: each agent writes its own
// server's only, as two machines would. The ring of events, which has one reader,
// is read once and handed to both.
//
// It refuses to judge speed.
//
//	test/fleet/end, test/cmd/fleet -> test/balance -> rig, lab -> pkg/agent, pkg/fleet
package balance
