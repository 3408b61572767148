// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

func printStatus(w io.Writer, v statusView, all bool) error {
	pairs := append(runtimePairs(v.Runtime), bpfmanPairs(v)...)
	pairs = append(pairs, [2]string{"paths", pathsText(v)}, [2]string{"drop-in maps", dropinText(v.Dropin)})
	pairs = append(pairs, [2]string{"connections", fmt.Sprintf("%s seen, %s resumed",
		showCount(v.Counters["established"]), showCount(v.Counters["resumed"]+v.Counters["cwnd_only"]))})
	pairs = append(pairs, [2]string{"agent", agentText(v)})
	if err := printPairs(w, pairs...); err != nil {
		return err
	}
	if err := printReports(w, v.Agent); err != nil {
		return err
	}
	if err := printFleet(w, v.Agent, all); err != nil {
		return err
	}
	for _, part := range []struct {
		title  string
		always bool
		groups []group
	}{
		{"Ways out of the gate:", true, []group{resumed, cold}},
		{"Of the resumed, by RFC 9959's trigger names:", true, []group{phase}},
		{"And then:", true, []group{outcome}},
		{"Idle connections whose peer had a path:", false, []group{idle}},
		{"Asks of applications:", false, []group{asks}},
	} {
		rows := counterRows(part.groups, v.ordered, all)
		if len(rows) == 0 && !part.always {
			continue
		}
		if err := printCounters(w, part.title, rows); err != nil {
			return err
		}
	}
	return nil
}

func runtimePairs(s *loader.State) [][2]string {
	if s == nil {
		return [][2]string{{"programs", "none under --pins, only maps: \"tcpresume up\" attaches them, unless they run under other pins"}}
	}
	cgroup := s.Cgroup
	if cgroup == "" {
		cgroup = "none, detached or removed; \"tcpresume up --cgroup PATH\" attaches it again"
	}
	program := fmt.Sprintf("%s, id %d, tag %s, loaded %s", s.Program.Name, s.Program.ID, s.Program.Tag, showAge(s.Program.Age))
	if s.CgroupID == 0 {
		program = "detached, or gone with its cgroup"
	}
	if s.Outdated {
		program += "; of another version, \"tcpresume up\" replaces it in place"
	}
	pairs := [][2]string{{"cgroup", cgroup}, {"program", program}}
	if s.Origin != nil {
		pairs = append(pairs, [2]string{"runtime", originText(*s.Origin)})
	}
	pairs = append(pairs, wrapperPairs(*s)...)
	if len(s.Watchers) > 0 {
		pairs = append(pairs, watcherPair(s.Watchers))
	}
	pairs = append(pairs, [2]string{"memory", fmt.Sprintf("%s for maps, room for %s paths", showVolume(s.MapBytes), showCount(uint64(s.MaxPaths)))})
	if s.ServedBy != 0 {
		pairs = append(pairs, [2]string{"served by", fmt.Sprintf("\"tcpresume up\", pid %d", s.ServedBy)})
	}
	return pairs
}

func originText(o loader.Origin) string {
	if o.Mode == loader.ModeProgram {
		return fmt.Sprintf("%s, program mode: its program %d is attached", o.Manager, o.Program)
	}
	text := fmt.Sprintf("%s, companion mode: over the maps of its program %d", o.Manager, o.Program)
	if o.OtherBuild {
		text += ", which is of another build"
	}
	return text
}

func bpfmanPairs(v statusView) (pairs [][2]string) {
	if v.Bpfman != nil {
		pairs = append(pairs, [2]string{"bpfman", string(v.Bpfman.Condition) + ": " + v.Bpfman.Detail})
		if v.Bpfman.Next != "" {
			pairs = append(pairs, [2]string{"next", v.Bpfman.Next})
		}
	}
	if v.Unread != "" {
		pairs = append(pairs, [2]string{"maps", "nobody reads these: " + v.Unread}, [2]string{"next", "mount or name the maps that are in use: restart the pod, or leave --maps out"})
	}
	return pairs
}

// wrapperPairs is one line for each congestion control.
func wrapperPairs(s loader.State) [][2]string {
	pairs := make([][2]string, len(s.Wrappers))
	for i, wrapper := range s.Wrappers {
		text := wrapper.Name + ", registered by " + wrapper.By
		if !wrapper.Registered {
			text = "stored window only: " + wrapper.Reason
		}
		pairs[i] = [2]string{wrapper.CC, text}
	}
	return pairs
}

// watcherPair says whether retransmissions and resets are counted, or what is missing.
func watcherPair(all []loader.Watcher) [2]string {
	var missing []string
	for _, w := range all {
		switch {
		case w.Attached:
		case w.ByOthers:
			missing = append(missing, fmt.Sprintf("\"bpfman attach %d tracepoint --tracepoint %s\" counts with %s", w.Program, w.Tracepoint, w.Name))
		default:
			missing = append(missing, w.Name+" is not attached")
		}
	}
	text := "retransmissions and resets of resumed connections"
	if len(missing) > 0 {
		text = "not everything: " + strings.Join(missing, "; ")
	}
	return [2]string{"counted too", text}
}

func pathsText(v statusView) string {
	total := 0
	var parts []string
	for _, state := range states {
		if n := v.Paths[state]; n > 0 {
			total += n
			parts = append(parts, showCount(uint64(n))+" "+string(state))
		}
	}
	text := showCount(uint64(total)) + " stored"
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

func dropinText(d pathstore.Dropin) string {
	return fmt.Sprintf("CwndMap %s, SSThreshMap %s, FallbackMap %d", d.Cwnd, d.Ssthresh, d.Fallback)
}

func counterRows(groups []group, counters []pathstore.Counter, all bool) (rows [][]string) {
	for _, wanted := range groups {
		for _, c := range counters {
			m, known := meanings[c.Name]
			if !known || m.group != wanted || c.Value == 0 && !all {
				continue
			}
			rows = append(rows, []string{"  " + c.Name, showCount(c.Value), m.text})
			if m.next != "" && c.Value > 0 {
				rows = append(rows, []string{"", "", "-> " + m.next})
			}
		}
	}
	return rows
}

func printCounters(w io.Writer, title string, rows [][]string) error {
	if len(rows) == 0 {
		rows = [][]string{{"  nothing yet", "", ""}}
	}
	if _, err := fmt.Fprintln(w, "\n"+title); err != nil {
		return err
	}
	return printRows(w, rowsOf(rows))
}

func agentText(v statusView) string {
	if v.Agent == nil {
		return orDash(v.agentNote, v.agentNote != "")
	}
	text := fmt.Sprintf("pid %d, started %s, knows %s of %s", v.Agent.PID, showAge(time.Since(v.Agent.Started)),
		plural(v.Agent.Connections, "connection", "connections"), plural(v.Agent.Peers, "peer", "peers"))
	if v.Agent.Waiting != "" {
		text += "; " + v.Agent.Waiting
	}
	for _, note := range v.Agent.Notes {
		text += "; " + note
	}
	return text
}

// printReports shows what became of reports, by user.
func printReports(w io.Writer, s *agent.Status) error {
	if s == nil {
		return nil
	}
	rows := [][]string{}
	for _, c := range s.Reports {
		who, text := fmt.Sprintf("  uid %d", c.UID), ""
		if c.UID < 0 {
			who = "  others"
		}
		switch c.Result {
		case agent.Held:
			text = heldMeanings[c.Reason]
		case agent.Refused:
			text = refusedMeanings[c.Reason]
		}
		rows = append(rows, []string{who, showCount(c.Reports), string(c.Result), c.Reason, text})
	}
	if len(rows) == 0 {
		rows = [][]string{{"  none yet"}}
	}
	if _, err := fmt.Fprintln(w, "\nReports since the agent started:"); err != nil {
		return err
	}
	return printRows(w, rowsOf(rows))
}
