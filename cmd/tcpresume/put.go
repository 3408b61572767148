// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newPut(g *global) *cobra.Command {
	path := resume.Path{Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator}
	var netns string
	cmd := &cobra.Command{
		Use:   "put PEER --cwnd SIZE",
		Short: "Store the congestion state of a peer",
		Long: `Store the congestion state that the next connection with a peer starts from, in
place of what the peer had, and print the entry. Idle connections that the peer
has already resume from it too, at their next send, unless the policy says
"--live never".

Instead of an address, PEER may be "token:" and 32 hexadecimal digits: then the
state waits for an application to ask for it by that token ("tcpresume ask").

Sizes are bytes, or carry a unit as in 256KiB or 1MB. Without --ssthresh slow
start is unbounded, without --rtt the handshake's round trip is taken, without
--ttl, --mode and --sharing the policy of the peer decides.`,
		Example: `  tcpresume put 192.0.2.1 --cwnd 256KiB --ssthresh 512KiB --rtt 80ms --mode exact --ttl 10m
  tcpresume put 2001:db8::1 --cwnd 1MB --sharing shared
  tcpresume put 192.0.2.1 --cwnd 262144 --netns /run/netns/blue
  tcpresume put token:000102030405060708090a0b0c0d0e0f --cwnd 256KiB --rtt 80ms`,
		Args:              takes("PEER"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if path.Peer, path.Scope, err = resume.ParseKey(args[0]); err != nil {
				return input(err)
			}
			if !cmd.Flags().Changed("cwnd") {
				return input(errors.New("put needs --cwnd: give the window to start with, as in --cwnd 256KiB"))
			}
			if err := path.Validate(); err != nil {
				return input(err)
			}
			t, err := g.target(path.Peer, path.Scope, netns)
			if err != nil {
				return err
			}
			defer t.Close()
			path.Scope = t.scope
			if err := t.rule.Allows(path); err != nil {
				return input(err)
			}
			entry, err := t.Put(path)
			if err != nil {
				return err
			}
			g.revive(cmd, t.rule)
			return g.printEntry(cmd, entry, t.rule)
		},
	}
	flags := cmd.Flags()
	addBytes(flags, &path.Cwnd, "cwnd", "congestion window to start with (required)")
	addBytes(flags, &path.Ssthresh, "ssthresh", "window at which slow start ends")
	addDuration(flags, &path.RTT, "rtt", "smallest round-trip time seen, as in 80ms")
	addDuration(flags, &path.TTL, "ttl", "how long the entry may be used, at most the policy's lifetime")
	addWord(cmd, flags, &path.Mode, "mode", "", "mode", resume.Modes, "when the windows take effect")
	addWord(cmd, flags, &path.Sharing, "sharing", "", "sharing", resume.Sharings, "how many connections may use the entry")
	addNetns(flags, &netns)
	return cmd
}
