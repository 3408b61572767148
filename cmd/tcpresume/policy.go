// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newPolicy(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Say what is allowed for the peers of a prefix",
		Long: `Say what is allowed for the peers of a prefix. The kernel enforces it on every
connection, whoever stored the path; of several prefixes the longest wins, and
where none matches, the built-in default is in force.`,
		Example: `  tcpresume policy set 198.51.100.0/24 --mode exact --sharing shared
  tcpresume policy set default --max-cwnd 1MiB
  tcpresume policy list`,
		Args: verbArg,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicySet(g), newPolicyList(g), newPolicyDelete(g))
	return cmd
}

// policyView is a rule for programs.
type policyView struct {
	Prefix      string         `json:"prefix"`
	Mode        resume.Mode    `json:"mode"`
	Sharing     resume.Sharing `json:"sharing"`
	Scope       resume.Scope   `json:"scope"`
	Dropin      resume.Dropin  `json:"dropin"`
	Live        resume.Live    `json:"live"`
	MaxCwnd     resume.Bytes   `json:"max_cwnd"`
	MaxSsthresh resume.Bytes   `json:"max_ssthresh"`
	MaxJump     resume.Bytes   `json:"max_jump"`
	Lifetime    int64          `json:"lifetime_s"`
	KeyBitsV4   int            `json:"key_bits_v4"`
	KeyBitsV6   int            `json:"key_bits_v6"`
	Learn       bool           `json:"learn"`
	RTTLow      int            `json:"rtt_low_percent"`
	RTTHigh     int            `json:"rtt_high_percent"`
	BuiltIn     bool           `json:"built_in"` // in force because no rule says otherwise
}

func viewPolicy(rule pathstore.Rule, builtIn bool) policyView {
	p := rule.Policy
	return policyView{
		Prefix: resume.FormatPrefix(rule.Prefix), Mode: p.Mode, Sharing: p.Sharing, Scope: p.Scope, Dropin: p.Dropin, Live: p.Live,
		MaxCwnd: p.MaxCwnd, MaxSsthresh: p.MaxSsthresh, MaxJump: p.MaxJump, Lifetime: int64(p.Lifetime.Seconds()),
		KeyBitsV4: p.KeyBitsV4, KeyBitsV6: p.KeyBitsV6, Learn: p.Learn, RTTLow: p.RTTLow, RTTHigh: p.RTTHigh,
		BuiltIn: builtIn,
	}
}

var policyHeader = []string{"PREFIX", "MODE", "SHARING", "SCOPE", "DROPIN", "LIVE", "MAX-CWND", "MAX-SSTHRESH", "MAX-JUMP", "LIFETIME", "KEY-V4", "KEY-V6", "LEARN", "RTT"}

func policyRow(rule pathstore.Rule, builtIn bool) []string {
	p := rule.Policy
	prefix := resume.FormatPrefix(rule.Prefix)
	if builtIn {
		prefix += " (built in)"
	}
	return []string{
		prefix, string(p.Mode), string(p.Sharing), string(p.Scope), string(p.Dropin), string(p.Live),
		showBytes(p.MaxCwnd), showBytes(p.MaxSsthresh), showBytes(p.MaxJump), showDuration(p.Lifetime),
		"/" + strconv.Itoa(p.KeyBitsV4), "/" + strconv.Itoa(p.KeyBitsV6), strconv.FormatBool(p.Learn),
		fmt.Sprintf("%d-%d%%", p.RTTLow, p.RTTHigh),
	}
}
