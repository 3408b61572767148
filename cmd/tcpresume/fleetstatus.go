// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/metrics"
)

// measuredFleet is what the metrics show of the fleet.
func measuredFleet(part *fleet.Fleet) *metrics.Fleet {
	if part == nil {
		return nil
	}
	s := part.Status()
	m := &metrics.Fleet{
		Live: s.State == fleet.StateLive, Members: s.Members, Stored: s.Stored, Bytes: s.Bytes, Waiting: s.Waiting, Held: s.Sources,
		Out: make(map[string]uint64), In: make(map[string]uint64), Lag: map[float64]float64{0.5: s.Lag50, 0.99: s.Lag99},
	}
	for name, n := range s.Counts {
		if result, ok := strings.CutPrefix(name, "out_"); ok {
			m.Out[result] = n
		}
		if result, ok := strings.CutPrefix(name, "in_"); ok {
			m.In[result] = n
		}
	}
	return m
}

// printFleet shows what passes between this machine and the others.
func printFleet(w io.Writer, s *agent.Status, all bool) error {
	if s == nil || s.Fleet == nil {
		return nil
	}
	var f fleet.Status
	if err := json.Unmarshal(s.Fleet, &f); err != nil {
		return fmt.Errorf("status of the fleet: %w", err)
	}
	if _, err := fmt.Fprintln(w, "\nFleet:"); err != nil {
		return err
	}
	if err := printPairs(w, fleetPairs(f)...); err != nil {
		return err
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(f.Counts)) {
		if n := f.Counts[name]; n > 0 || all {
			rows = append(rows, []string{"  " + name, showCount(n), fleet.CountMeanings[name]})
		}
	}
	for _, r := range f.Rejected {
		rows = append(rows, []string{"  " + strings.TrimPrefix(r.What, "in_"), showAge(time.Since(r.At)), orDash(r.From, r.From != "") + ", " + r.Key + ": " + r.Why})
	}
	return printRows(w, rowsOf(rows))
}

func fleetPairs(f fleet.Status) [][2]string {
	state := f.State + " " + strings.TrimSuffix(showAge(time.Since(f.Since)), " ago") + ", " + f.URL
	switch {
	case f.State == fleet.StateJoining:
		state += fmt.Sprintf(", %s of %s changes taken", showCount(f.Have), showCount(f.Want))
	case f.State == fleet.StateAlone && f.Error != "":
		state += ": " + f.Error
	}
	pairs := [][2]string{
		{"  state", state},
		{"  bucket", fmt.Sprintf("%s, %s of %s, %s", f.Bucket, plural(f.Stored, "change", "changes"), plural(f.Members, "machine", "machines"), showVolume(f.Bytes))},
		{"  waiting", plural(f.Waiting, "peer", "peers")},
		{"  lag", fmt.Sprintf("p50 %s, p99 %s", showRTT(seconds(f.Lag50)), showRTT(seconds(f.Lag99)))},
		{"  paths", fmt.Sprintf("%s of other machines%s", showCount(uint64(f.Held)), sourcesText(f.Sources))},
	}
	if f.State != fleet.StateAlone && f.Error != "" {
		pairs = append(pairs, [2]string{"  note", f.Error + ", " + showAge(time.Since(f.ErrorAt))})
	}
	return pairs
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// sourcesText names the machines with the most paths.
func sourcesText(sources map[string]int) string {
	const shown = 5
	names := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		if sources[a] != sources[b] {
			return sources[b] - sources[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names[:min(len(names), shown)] {
		parts = append(parts, fmt.Sprintf("%s %s", showCount(uint64(sources[name])), name))
	}
	if rest := len(names) - shown; rest > 0 {
		parts = append(parts, "and "+plural(rest, "other", "others"))
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}
