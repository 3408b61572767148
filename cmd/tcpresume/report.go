// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// reportPatience bounds waiting for the agent.
const reportPatience = 5 * time.Second

func newReport(g *global) *cobra.Command {
	var (
		r                               resume.Report
		cwnd, ssthresh, bandwidth, sent resume.Bytes
		port, lost                      int
		datagram                        bool
	)
	cmd := &cobra.Command{
		Use:   "report PEER --cwnd SIZE",
		Short: "Report a peer's congestion state to the agent, as a server does",
		Long: `Report the congestion state of a connection to the agent, as a QUIC server does,
and print what became of it: stored, held for a reason, or refused. It shows who
may report, and serves scripts; "put" stores without the agent and its rules.

Datagrams have no answer: with --datagram the report is sent and that is all.`,
		Example: `  tcpresume report 192.0.2.1 --cwnd 337KiB --rtt 21ms --sent 9MB
  tcpresume report 2001:db8::1 --cwnd 500kB --rtt 80ms --cc bbr --bandwidth 4MB
  tcpresume report 192.0.2.1 --cwnd 337KiB --rtt 21ms --datagram`,
		Args:              takes("PEER"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if r.Peer, err = resume.ParsePeer(args[0]); err != nil {
				return input(err)
			}
			if port > math.MaxUint16 {
				return input(fmt.Errorf("--port %d is out of range: give 0 to 65535", port))
			}
			r.Cwnd, r.Ssthresh, r.Bandwidth, r.Sent = uint64(cwnd), uint64(ssthresh), uint64(bandwidth), uint64(sent)
			r.Port, r.Lost = uint16(port), uint64(lost)
			if err := r.Validate(); err != nil {
				return input(err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), reportPatience)
			defer cancel()
			if datagram {
				return g.sendDatagram(ctx, cmd, r)
			}
			answer, err := client.Send(ctx, g.socketDir(), r)
			if err != nil {
				return reportError(err)
			}
			return g.print(cmd, answer, func(w io.Writer) error {
				text := "stored\n"
				for reason := range answer.Reasons {
					text = "held: " + heldMeanings[reason] + " (" + reason + ")\n"
				}
				_, err := io.WriteString(w, text)
				return err
			})
		},
	}
	flags := cmd.Flags()
	addBytes(flags, &cwnd, "cwnd", "congestion window of the connection (required)")
	addBytes(flags, &ssthresh, "ssthresh", "window at which it left slow start")
	addDuration(flags, &r.MinRTT, "rtt", "smallest round-trip time seen, as in 80ms")
	addDuration(flags, &r.SRTT, "srtt", "smoothed round-trip time")
	addBytes(flags, &bandwidth, "bandwidth", "bytes a second, for bbr")
	addBytes(flags, &sent, "sent", "bytes sent since the connection began")
	addInt(flags, &lost, "lost", "packets lost since the connection began")
	addInt(flags, &port, "port", "port of the peer")
	flags.StringVar(&r.ID, "id", "", "`NAME` of the connection (default its address and port)")
	flags.StringVar(&r.CC, "cc", "", "congestion `CONTROL` of the connection, as in cubic or bbr")
	addWord(cmd, flags, &r.Event, "event", "", "event", resume.ReportEvents, "a sample, or the last one")
	addWord(cmd, flags, &r.Mode, "mode", "", "mode", resume.Modes, "when the windows take effect")
	flags.Uint64Var(&r.NetnsCookie, "netns-cookie", 0, "network namespace, where the policy keeps one entry for each")
	flags.BoolVar(&datagram, "datagram", false, "send a datagram, which has no answer")
	g.addSocketDir(flags)
	return cmd
}

func (g *global) sendDatagram(ctx context.Context, cmd *cobra.Command, r resume.Report) error {
	reporter := client.New(client.Options{Dir: g.socketDir(), Patience: reportPatience})
	defer reporter.Close()
	if err := reporter.Report(ctx, r); err != nil {
		return reportError(err)
	}
	return g.print(cmd, map[string]bool{"sent": true}, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "sent; \"tcpresume watch\" shows what becomes of reports")
		return err
	})
}

// reportError gives an agent's refusal the exit code of its kind.
func reportError(err error) error {
	var refused *client.Refused
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusForbidden:
		return fmt.Errorf("%w: %w", err, fs.ErrPermission)
	case errors.As(err, &refused) && refused.Status < http.StatusInternalServerError:
		return input(err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; only members of the sockets' group reach the agent", err)
	case errors.Is(err, client.ErrAway):
		return fmt.Errorf("%w; run \"tcpresume agent\", or name the directory of its sockets with --socket-dir", err)
	}
	return err
}
