// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newPolicySet(g *global) *cobra.Command {
	var want resume.Policy // what the flags say; those that were not given stay out
	cmd := &cobra.Command{
		Use:   "set PREFIX|default",
		Short: "Put a policy in force for a prefix",
		Long: `Put a policy in force for the peers of a prefix, or by "default" for all of both
families, at once and for new connections. What no flag names keeps its value if
the prefix has a policy already; a new one starts as a copy of the policy that
covers it.

IPv4 peers have an entry each, IPv6 peers of one /64 share theirs, unless --key-v4
and --key-v6 say otherwise. Mode careful leaves loopback and paths with a round trip
of less than 2 ms alone; exact does not.

Changing --scope, --key-v4 or --key-v6 changes the key under which paths are
found, so that entries stored before are out of reach.`,
		Example: `  tcpresume policy set 198.51.100.0/24 --mode exact --sharing shared
  tcpresume policy set default --max-cwnd 1MiB --lifetime 1h
  tcpresume policy set 2001:db8::/32 --key-v6 128
  tcpresume policy set 203.0.113.7 --mode off`,
		Args:              takes("PREFIX"),
		ValidArgsFunction: g.completePrefixes,
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix, err := resume.ParsePrefix(args[0])
			if err != nil {
				return input(err)
			}
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			rules, err := store.Policies()
			if err != nil {
				return err
			}
			before := covering(rules, prefix)
			rule := pathstore.Rule{Prefix: prefix, Policy: before}
			mergePolicy(&rule.Policy, want, cmd.Flags().Changed)
			if err := rule.Policy.Validate(); err != nil {
				return input(err)
			}
			if err := store.SetPolicy(rule); err != nil {
				return err
			}
			warnStranded(cmd.ErrOrStderr(), before, rule.Policy)
			return g.print(cmd, viewPolicy(rule, false), func(w io.Writer) error {
				return printTable(w, policyHeader, rowsOf([][]string{policyRow(rule, false)}))
			})
		},
	}
	addPolicyFlags(cmd, &want)
	return cmd
}

func addPolicyFlags(cmd *cobra.Command, p *resume.Policy) {
	flags := cmd.Flags()
	addWord(cmd, flags, &p.Mode, "mode", "", "mode", resume.PolicyModes, "when stored windows take effect")
	addWord(cmd, flags, &p.Sharing, "sharing", "", "sharing", resume.PolicySharings, "how many connections may use one entry")
	addWord(cmd, flags, &p.Scope, "scope", "", "scope", resume.Scopes, "one entry for the host or for each network namespace")
	addWord(cmd, flags, &p.Dropin, "dropin", "", "dropin rule", resume.Dropins, "when CwndMap and SSThreshMap count")
	addWord(cmd, flags, &p.Live, "live", "", "live rule", resume.Lives, "whether a stored path reaches idle connections that are there already")
	addBytes(flags, &p.MaxCwnd, "max-cwnd", "largest window that is used; 0: no cap")
	addBytes(flags, &p.MaxSsthresh, "max-ssthresh", "largest threshold that is used; 0: no cap")
	addBytes(flags, &p.MaxJump, "max-jump", "largest window that careful jumps to (RFC 9959 max_jump)")
	addDuration(flags, &p.Lifetime, "lifetime", "no entry is used longer after it was stored")
	addInt(flags, &p.KeyBitsV4, "key-v4", "IPv4 peers that agree in so many bits share an entry")
	addInt(flags, &p.KeyBitsV6, "key-v6", "IPv6 peers that agree in so many bits share an entry")
	flags.BoolVar(&p.Learn, "learn", false, "connections save what they found")
	addInt(flags, &p.RTTLow, "rtt-low", "percent of the saved RTT that the path's must exceed")
	addInt(flags, &p.RTTHigh, "rtt-high", "percent of the saved RTT that the path's may reach")
}

// mergePolicy takes over what was given.
func mergePolicy(p *resume.Policy, want resume.Policy, given func(flag string) bool) {
	set := func(flag string, take func()) {
		if given(flag) {
			take()
		}
	}
	set("mode", func() { p.Mode = want.Mode })
	set("sharing", func() { p.Sharing = want.Sharing })
	set("scope", func() { p.Scope = want.Scope })
	set("dropin", func() { p.Dropin = want.Dropin })
	set("live", func() { p.Live = want.Live })
	set("max-cwnd", func() { p.MaxCwnd = want.MaxCwnd })
	set("max-ssthresh", func() { p.MaxSsthresh = want.MaxSsthresh })
	set("max-jump", func() { p.MaxJump = want.MaxJump })
	set("lifetime", func() { p.Lifetime = want.Lifetime })
	set("key-v4", func() { p.KeyBitsV4 = want.KeyBitsV4 })
	set("key-v6", func() { p.KeyBitsV6 = want.KeyBitsV6 })
	set("learn", func() { p.Learn = want.Learn })
	set("rtt-low", func() { p.RTTLow = want.RTTLow })
	set("rtt-high", func() { p.RTTHigh = want.RTTHigh })
}

// covering is the policy in force for a prefix as a whole: its own, or that of
// the longest prefix around it. Rules come shortest prefix first.
func covering(rules []pathstore.Rule, prefix netip.Prefix) resume.Policy {
	policy := resume.DefaultPolicy()
	for _, rule := range rules {
		around := rule.Prefix.IsValid() && prefix.IsValid() && rule.Prefix.Bits() <= prefix.Bits() && rule.Prefix.Contains(prefix.Addr())
		if !rule.Prefix.IsValid() || around {
			policy = rule.Policy
		}
	}
	return policy
}

func warnStranded(w io.Writer, before, after resume.Policy) {
	if before.Scope != after.Scope || before.KeyBitsV4 != after.KeyBitsV4 || before.KeyBitsV6 != after.KeyBitsV6 {
		fmt.Fprintln(w, "note: the key changed: what was stored for these peers before, if anything, is out of reach; store it again")
	}
}
