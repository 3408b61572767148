// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/hostaddr"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/revive"
)

// envNodeIPs is how Kubernetes can tell a pod the addresses of its node.
const envNodeIPs = "NODE_IPS"

// nodeAddresses are those that the environment names; others are left out.
func nodeAddresses() (all []netip.Addr) {
	for text := range strings.SplitSeq(os.Getenv(envNodeIPs), ",") {
		if addr, err := netip.ParseAddr(strings.TrimSpace(text)); err == nil {
			all = append(all, addr)
		}
	}
	return all
}

// confinement is what an agent cannot do because of where it runs: without words
// a feature would be off that its user believes to be on.
func confinement(addresses *hostaddr.Addresses) (notes []string) {
	if err := addresses.Err(); err != nil {
		notes = append(notes, fmt.Sprintf("the addresses of this machine cannot all be seen, so that reports of them are taken: %v; a service needs AF_NETLINK in its unit's RestrictAddressFamilies=", err))
	}
	if limits := revive.Limits(); limits != "" {
		notes = append(notes, limits)
	}
	return notes
}

// queueNote says that few datagrams may wait, and what can be done where this
// process runs: a pod's setting is its own, and the kubelet's to allow.
func queueNote(n int) string {
	switch {
	case n >= agent.GoodQueue:
		return ""
	case loader.InPod():
		return fmt.Sprintf("only %s may wait, and datagrams beyond are dropped: let busy servers report over HTTP, "+
			"or allow the pod the sysctl net.unix.max_dgram_qlen=%d (docs/kubernetes.md)", plural(n, "report", "reports"), agent.GoodQueue)
	}
	return fmt.Sprintf("only %s may wait, and datagrams beyond are dropped: \"sysctl net.unix.max_dgram_qlen=%d\" and start the agent again",
		plural(n, "report", "reports"), agent.GoodQueue)
}

// agentFindings are what the agent that serves the loaded maps says of itself.
func (g *global) agentFindings(ctx context.Context) (all []loader.Finding) {
	store, err := g.open()
	if err != nil {
		return nil // which has been found already
	}
	defer store.Close()
	status, _ := g.agentStatus(ctx, store)
	if status == nil {
		return nil
	}
	for _, note := range status.Notes {
		all = append(all, loader.Finding{Check: "agent", Status: loader.Warning, Detail: note, Remedy: "give the agent what is named, or do without"})
	}
	return all
}
