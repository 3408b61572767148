// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/metrics"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// everything is a source in which nothing is missing.
type everything struct{ counters []pathstore.Counter }

func (e everything) Snapshot() (metrics.Snapshot, error) {
	s := metrics.Snapshot{Reports: []metrics.Reports{{UID: 33, Result: "stored", Value: 5}, {UID: -1, Result: "refused", Reason: "uid", Value: 7}}, Peers: 2, Queue: 512, Fleet: &metrics.Fleet{Live: true, Members: 3, Stored: 7, Held: map[string]int{"edge-17": 5}, Out: map[string]uint64{"put": 4}, In: map[string]uint64{"malformed": 2, "forged": 0}, Lag: map[float64]float64{0.99: 0.25}}}
	for _, c := range e.counters {
		s.Kernel = append(s.Kernel, metrics.Counter{Name: c.Name, Trigger: c.Trigger, WayOut: c.WayOut, Value: 1})
	}
	return s, nil
}

func exposition(t *testing.T) string {
	t.Helper()
	counters, err := pathstore.ZeroCounters()
	if err != nil {
		t.Fatal(err)
	}
	set := metrics.New(everything{counters}, "v1")
	set.Saved(resume.SourceApplication, 300_000)
	set.Restored(resume.ModeCareful, 150_000)
	w := httptest.NewRecorder()
	set.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	text := exposition(t)
	for _, line := range []string{
		`tcpresume_build_info{version="v1"} 1`, "tcpresume_kernel_up 1", "tcpresume_connections_total 1",
		`tcpresume_ways_out_total{way="no_saved_path"} 1`, `tcpresume_ways_out_total{way="cwnd_only"} 1`, `tcpresume_events_total{event="learnt"} 1`,
		`tcpresume_triggers_total{trigger="packet_loss"} 1`, `tcpresume_reports_total{reason="",result="stored",uid="33"} 5`,
		`tcpresume_reports_total{reason="uid",result="refused",uid="other"} 7`, "tcpresume_tracked_peers 2", "tcpresume_report_queue_length 512",
		"tcpresume_fleet_live 1", "tcpresume_fleet_machines 3", "tcpresume_fleet_bucket_changes 7", `tcpresume_fleet_paths{machine="edge-17"} 5`,
		`tcpresume_fleet_out_total{result="put"} 4`, `tcpresume_fleet_in_total{result="malformed"} 2`, `tcpresume_fleet_lag_seconds{quantile="0.99"} 0.25`,
		`tcpresume_saved_window_bytes_sum{source="application"} 300000`, `tcpresume_restored_window_bytes_bucket{mode="careful",le="262144"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

var (
	metricName = regexp.MustCompile(`tcpresume_[a-z_]+`)
	selector   = regexp.MustCompile(`(way|trigger|event|result|reason|mode|source)=~?"([a-z_|]+)"`)
)

// What the dashboard and the alerts ask for exists.
func TestMonitoringAsksForWhatThereIs(t *testing.T) {
	text := exposition(t)
	values := map[string][]string{
		"result": {"stored", "held", "refused", "malformed", "forged"}, "reason": append(slices.Clone(agent.RefusalReasons), agent.HeldReasons...),
		"mode": {"careful", "exact"}, "source": {"application"},
	}
	for _, label := range []string{"way", "trigger", "event"} {
		for _, m := range regexp.MustCompile(label+`="([a-z_]+)"`).FindAllStringSubmatch(text, -1) {
			values[label] = append(values[label], m[1])
		}
	}
	for _, expr := range append(dashboardExpressions(t), alertExpressions(t)...) {
		names := metricName.FindAllString(expr, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing of ours", expr)
		}
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^` + name + `[{ ]`).MatchString(text) {
				t.Errorf("%s asks for %s, which does not exist", expr, name)
			}
		}
		for _, m := range selector.FindAllStringSubmatch(expr, -1) {
			for _, value := range strings.Split(m[2], "|") {
				if !slices.Contains(values[m[1]], value) {
					t.Errorf("%s asks for %s %q, which does not exist", expr, m[1], value)
				}
			}
		}
		if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
			t.Errorf("%s has a bracket too many", expr)
		}
	}
}

func dashboardExpressions(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../manifests/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title, Description string
			Targets            []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Query any }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Title == "" || p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("panel %q has no description, or nothing to show", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

func alertExpressions(t *testing.T) (all []string) {
	t.Helper()
	text, err := os.ReadFile("../../manifests/monitoring/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("alert %q lacks a severity, a summary or what to do", r.Alert)
			}
			all = append(all, r.Expr)
		}
	}
	return all
}
