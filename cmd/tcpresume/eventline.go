// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// eventLines writes aligned lines without knowing the next ones: the column of
// the peers starts wide enough for IPv4 and grows with what comes.
type eventLines struct {
	w     io.Writer
	width int
}

func newEventLines(w io.Writer) *eventLines {
	l := &eventLines{w: w, width: len("255.255.255.255:65535")}
	l.line("TIME", "PEER", "CC", "EVENT")
	return l
}

func (l *eventLines) kernel(e pathstore.Event) error {
	return l.line(e.At.Format("15:04:05.000"), e.Peer.String(), e.CC, eventText(e))
}

func (l *eventLines) report(e agent.ReportEvent) error {
	peer := "-"
	if e.Peer.IsValid() {
		peer = e.Peer.String()
	}
	return l.line(e.At.Format("15:04:05.000"), peer, "-", reportText(e))
}

func (l *eventLines) lost(e agent.LostEvent) error {
	return l.line("", "-", "-", plural(int(e.Count), "event was", "events were")+" not shown: this reader is too slow")
}

func reportText(e agent.ReportEvent) string {
	who := fmt.Sprintf("report of uid %d", e.UID)
	switch e.Result {
	case agent.Stored:
		return fmt.Sprintf("%s: stored %s/%s, rtt %s", who, showBytes(e.Saved), showBytes(e.SavedS), showRTT(time.Duration(e.RTT)*time.Microsecond))
	case agent.Held:
		return fmt.Sprintf("%s: held, %s (%s)", who, heldMeanings[e.Reason], e.Reason)
	}
	return fmt.Sprintf("%s: refused, %s (%s)", who, e.Detail, e.Reason)
}

func (l *eventLines) line(at, peer, cc, text string) error {
	l.width = max(l.width, len(peer))
	_, err := fmt.Fprintf(l.w, "%-12s  %-*s  %-5s  %s\n", at, l.width, peer, cc, text)
	return err
}

func eventText(e pathstore.Event) string {
	switch e.Kind {
	case "resumed":
		text := fmt.Sprintf("resumed: %s/%s saved %s -> cwnd %d", showBytes(e.SavedCwnd), showBytes(e.SavedSsth), showRTT(e.SavedRTT), e.Cwnd)
		if e.Trigger == "revived" || e.Trigger == "asked" {
			text += ", " + map[string]string{"revived": "while idle", "asked": "because its application asked"}[e.Trigger]
		}
		if e.CwndOnly {
			text += ", window only"
		}
		if e.Source == resume.SourceDropin {
			text += ", from the drop-in maps"
		}
		return text
	case "phase":
		text := fmt.Sprintf("phase: %s -> %s (%s) cwnd %d", e.OldPhase, e.Phase, e.Trigger, e.Cwnd)
		switch e.Phase {
		case "unvalidated":
			text += fmt.Sprintf(", jump %s bound by %s", showBytes(e.Jump), e.Limit)
		case "safe_retreat":
			text += ", pipe size " + showBytes(e.PipeSize)
		}
		return text
	case "learnt":
		return fmt.Sprintf("learnt: %s saved, min rtt %s", showBytes(e.SavedCwnd), showRTT(e.SavedRTT))
	case "closed":
		return fmt.Sprintf("closed: %s acked, %s, min rtt %s", showVolume(e.BytesAcked), plural(int(e.Retrans), "retransmit", "retransmits"), showRTT(e.MinRTT))
	}
	return e.Kind
}
