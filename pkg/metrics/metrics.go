// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Counter is one counter of the kernel part.
type Counter struct {
	Name    string
	Trigger bool // one of RFC 9959's triggers or our own
	WayOut  bool // one of the ways a connection leaves the gate
	Value   uint64
}

// Reports is how many reports of one user had one outcome.
type Reports struct {
	UID            int64 // -1: of the rest
	Result, Reason string
	Value          uint64
}

// Snapshot is what is counted elsewhere.
type Snapshot struct {
	Kernel  []Counter
	Reports []Reports
	Peers   int // that the agent has in mind
	Queue   int // length of the report socket's queue
	Fleet   *Fleet
}

// Source tells what is counted, at each scrape.
type Source interface{ Snapshot() (Snapshot, error) }

// Set is all metrics of one agent.
type Set struct {
	registry *prometheus.Registry
	saved    *prometheus.HistogramVec
	restored *prometheus.HistogramVec
}

// buckets are windows in bytes: from one initial window of TCP by powers of two.
var buckets = prometheus.ExponentialBuckets(16<<10, 2, 13) // 16 KiB to 64 MiB

// New makes the set of one source. Names and labels do not depend on it.
func New(source Source, version string) *Set {
	s := &Set{
		registry: prometheus.NewRegistry(),
		saved: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tcpresume_saved_window_bytes", Help: "Windows that were saved, by who saved them.", Buckets: buckets,
		}, []string{"source"}),
		restored: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tcpresume_restored_window_bytes", Help: "Windows that connections got from saved state, by mode: exact at once, careful at the jump.", Buckets: buckets,
		}, []string{"mode"}),
	}
	for _, source := range []resume.Source{resume.SourceApplication, resume.SourceLearnt, resume.SourceFleet} {
		s.saved.WithLabelValues(string(source))
	}
	for _, mode := range []resume.Mode{resume.ModeCareful, resume.ModeExact} {
		s.restored.WithLabelValues(string(mode))
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tcpresume_build_info", Help: "1, with the version of the agent.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	s.registry.MustRegister(s.saved, s.restored, build, collector{source},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{Namespace: "tcpresume"}))
	return s
}

// Saved notes a window that was saved.
func (s *Set) Saved(source resume.Source, window resume.Bytes) {
	s.saved.WithLabelValues(string(source)).Observe(float64(window))
}

// Restored notes a window that a connection got.
func (s *Set) Restored(mode resume.Mode, window uint64) {
	s.restored.WithLabelValues(string(mode)).Observe(float64(window))
}

// Handler answers scrapes.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4})
}

// Gatherer is for tests and other exporters.
func (s *Set) Gatherer() prometheus.Gatherer { return s.registry }

var (
	up          = describe("tcpresume_kernel_up", "1 where the kernel part is attached and its counters could be read.")
	established = describe("tcpresume_connections_total", "Connections that the kernel part has seen.")
	waysOut     = describe("tcpresume_ways_out_total", "Connections by the way they left the gate: resumed, or why not.", "way")
	triggers    = describe("tcpresume_triggers_total", "Phase changes of resumed connections by RFC 9959's trigger.", "trigger")
	afterwards  = describe("tcpresume_events_total", "What else happened, under the kernel's name.", "event")
	reports     = describe("tcpresume_reports_total", "Reports by user, result and, unless stored, reason.", "uid", "result", "reason")
	peers       = describe("tcpresume_tracked_peers", "Peers whose recent reports the agent has in mind.")
	queue       = describe("tcpresume_report_queue_length", "Datagrams that may wait in the report socket.")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

type collector struct{ source Source }

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{up, established, waysOut, triggers, afterwards, reports, peers, queue} {
		to <- d
	}
	for _, d := range fleetDescs {
		to <- d
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	now, err := c.source.Snapshot()
	if err != nil {
		send(up, prometheus.GaugeValue, 0)
	} else {
		send(up, prometheus.GaugeValue, 1)
	}
	for _, k := range now.Kernel {
		switch value := float64(k.Value); {
		case k.Name == "established":
			send(established, prometheus.CounterValue, value)
		case k.Trigger:
			send(triggers, prometheus.CounterValue, value, k.Name)
		case k.WayOut:
			send(waysOut, prometheus.CounterValue, value, k.Name)
		default:
			send(afterwards, prometheus.CounterValue, value, k.Name)
		}
	}
	for _, r := range now.Reports {
		uid := "other"
		if r.UID >= 0 {
			uid = strconv.FormatInt(r.UID, 10)
		}
		send(reports, prometheus.CounterValue, float64(r.Value), uid, r.Result, r.Reason)
	}
	send(peers, prometheus.GaugeValue, float64(now.Peers))
	send(queue, prometheus.GaugeValue, float64(now.Queue))
	sendFleet(now.Fleet, send)
}
