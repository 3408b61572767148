// SPDX-License-Identifier: Apache-2.0

// Package fleet tests agents that share paths by a real NATS server in this
// process: who gets what, when the server or an agent goes away, and what wrong
// messages do. The two servers behind a balancer are in package balance.
//
// It owns what passes between agents. It refuses the kernel: the maps are of
// memory here.
//
//	fleet -> pkg/fleet, nats-server
package fleet
