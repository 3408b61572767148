// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/cmd/tcpresume/internal/record"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// entryView is a record with what follows from the policy of its peer.
type entryView struct {
	record.Record
	Policy           string         `json:"policy"` // prefix of the rule
	EffectiveMode    resume.Mode    `json:"effective_mode"`
	EffectiveSharing resume.Sharing `json:"effective_sharing"`
	Next             string         `json:"next_connection"`
}

func viewEntry(e pathstore.Entry, rule pathstore.Rule) entryView {
	return entryView{
		Record:           record.Of(e),
		Policy:           resume.FormatPrefix(rule.Prefix),
		EffectiveMode:    effectiveMode(e.Mode, rule.Policy),
		EffectiveSharing: effectiveSharing(e.Sharing, rule.Policy),
		Next:             nextConnection(e, rule),
	}
}

func (g *global) printEntry(cmd *cobra.Command, e pathstore.Entry, rule pathstore.Rule) error {
	v := viewEntry(e, rule)
	return g.print(cmd, v, func(w io.Writer) error { return v.write(w, e) })
}

func history(e pathstore.Entry) string {
	text := plural(int(e.Uses), "time", "times") + ", " + plural(int(e.Retreats), "retreat", "retreats")
	if e.Outcome != "" {
		text += ", the latest ended by " + e.Outcome
	}
	return text
}

func (v entryView) write(w io.Writer, e pathstore.Entry) error {
	mode, sharing := string(v.EffectiveMode), string(v.EffectiveSharing)
	if v.EffectiveMode != e.Mode {
		mode += " (policy " + v.Policy + ")"
	}
	if v.EffectiveSharing != e.Sharing {
		sharing += " (policy " + v.Policy + ")"
	}
	scope := "host"
	switch {
	case e.Scope == resume.ScopeToken:
		scope = "token"
	case e.Scope != 0:
		scope = "network namespace " + strconv.FormatUint(e.Scope, 10)
	}
	usable := "usable for " + showDuration(e.TTL)
	if e.TTL == 0 {
		usable = "no longer usable"
	}
	state := string(e.State)
	if e.Holder != 0 {
		state += fmt.Sprintf(" by socket %d", e.Holder)
	}
	return printPairs(w,
		[2]string{"peer", showKey(e)},
		[2]string{"cwnd", e.Cwnd.String()},
		[2]string{"ssthresh", orDash(e.Ssthresh.String(), e.Ssthresh != 0)},
		[2]string{"rtt", showRTT(e.RTT)},
		[2]string{"mode", mode},
		[2]string{"sharing", sharing},
		[2]string{"scope", scope},
		[2]string{"source", string(e.Source)},
		[2]string{"state", state},
		[2]string{"stored", showAge(e.Age) + ", " + usable},
		[2]string{"used", history(e)},
		[2]string{"next connection", v.Next},
	)
}
