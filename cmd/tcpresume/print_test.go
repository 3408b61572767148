// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestEventLines(t *testing.T) {
	var out strings.Builder
	lines := newEventLines(&out)
	e := pathstore.Event{
		Kind: "resumed", At: time.Date(2026, 11, 21, 12, 30, 15, 123456789, time.UTC), CC: "cubic", Source: resume.SourceOperator,
		Peer: netip.MustParseAddrPort("192.0.2.1:443"), OldPhase: "exact", Phase: "normal", Trigger: "window_sent",
		SavedCwnd: 256 << 10, SavedSsth: 512 << 10, SavedRTT: 80 * time.Millisecond, Cwnd: 181,
		BytesAcked: 1_048_576, Retrans: 1, MinRTT: 80123 * time.Microsecond,
	}
	kinds := []func(*pathstore.Event){
		func(*pathstore.Event) {},
		func(e *pathstore.Event) { e.Kind = "phase" },
		func(e *pathstore.Event) {
			e.Kind, e.Peer = "closed", netip.MustParseAddrPort("[2001:db8::1:2:3]:65535")
		},
		func(e *pathstore.Event) { e.Source, e.CwndOnly, e.SavedSsth, e.SavedRTT = "dropin", true, 0, 0 },
	}
	for _, change := range kinds {
		next := e
		change(&next)
		if err := lines.kernel(next); err != nil {
			t.Fatal(err)
		}
	}
	want := `TIME          PEER                   CC     EVENT
12:30:15.123  192.0.2.1:443          cubic  resumed: 256KiB/512KiB saved 80ms -> cwnd 181
12:30:15.123  192.0.2.1:443          cubic  phase: exact -> normal (window_sent) cwnd 181
12:30:15.123  [2001:db8::1:2:3]:65535  cubic  closed: 1.0 MB acked, 1 retransmit, min rtt 80.1ms
12:30:15.123  192.0.2.1:443            cubic  resumed: 256KiB/- saved - -> cwnd 181, window only, from the drop-in maps
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestStatusText(t *testing.T) {
	v := statusView{
		Runtime: &loader.State{
			Cgroup: "/sys/fs/cgroup", CgroupID: 1, MapBytes: 92_000_000, MaxPaths: 1 << 20,
			Program: loader.Program{ID: 17, Name: "tcp_resume", Tag: "8b6f2c1d0e9a7f35", Age: 90 * time.Minute},
			Wrappers: []loader.Wrapper{
				{Name: "resume_cubic", CC: "cubic", Registered: true, By: "link"},
				{Name: "resume_bbr", CC: "bbr", Reason: "the kernel has no bbr"},
			},
		},
		Paths:     map[pathstore.State]int{pathstore.StateFree: 1200, pathstore.StateSpent: 34},
		Counters:  map[string]uint64{"established": 5000, "resumed": 3000, "cwnd_only": 2},
		Dropin:    pathstore.Dropin{Cwnd: 256 << 10, Fallback: 1},
		agentNote: "none",
		ordered:   []pathstore.Counter{{Name: "established", Value: 5000}, {Name: "no_saved_path", Value: 1998}, {Name: "no_memory"}, {Name: "resumed", Value: 3000}, {Name: "cwnd_only", Value: 2}},
	}
	want := `cgroup:        /sys/fs/cgroup
program:       tcp_resume, id 17, tag 8b6f2c1d0e9a7f35, loaded 1h30m ago
cubic:         resume_cubic, registered by link
bbr:           stored window only: the kernel has no bbr
memory:        92.0 MB for maps, room for 1,048,576 paths
paths:         1,234 stored: 1,200 free, 34 spent
drop-in maps:  CwndMap 256KiB, SSThreshMap 0, FallbackMap 1
connections:   5,000 seen, 3,002 resumed
agent:         none

Ways out of the gate:
  resumed        3,000  started from the stored window and threshold
  cwnd_only      2      started from the stored window only: the congestion control has no wrapper
                        -> the wrappers above say why
  no_saved_path  1,998  nothing is stored for the peer
                        -> store it with "tcpresume put", or have the application report it; drop-in maps count only as the policy's dropin rule says

Of the resumed, by RFC 9959's trigger names:
  nothing yet

And then:
  nothing yet
`
	var out strings.Builder
	if err := printStatus(&out, v, false); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out.String(), want)
	}
	out.Reset()
	if err := printStatus(&out, v, true); err != nil || !strings.Contains(out.String(), "no_memory") {
		t.Errorf("%v, --all leaves out zeros:\n%s", err, out.String())
	}
}

func TestStatusOfTheAgent(t *testing.T) {
	s := &agent.Status{PID: 7, Started: time.Now().Add(-90 * time.Second), Queue: 10, Peers: 1, Connections: 2, Notes: []string{queueNote(10)}, Reports: []agent.Counted{
		{Count: agent.Count{UID: 33, Result: agent.Stored}, Reports: 1200},
		{Count: agent.Count{UID: 33, Result: agent.Held, Reason: "reset"}, Reports: 3},
		{Count: agent.Count{UID: -1, Result: agent.Refused, Reason: "uid"}, Reports: 4},
	}}
	want := `pid 7, started 1m30s ago, knows 2 connections of 1 peer; only 10 reports may wait, and datagrams beyond are dropped: "sysctl net.unix.max_dgram_qlen=512" and start the agent again`
	if got := agentText(statusView{Agent: s}); got != want {
		t.Errorf("got %s", got)
	}
	var out strings.Builder
	want = `
Reports since the agent started:
  uid 33  1,200  stored
  uid 33  3      held     reset  the connection migrated, and its window has not grown again
  others  4      refused  uid    from a user that may not report
`
	if err := printReports(&out, s); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s", err, out.String())
	}
}

// In a pod no word is about what only its node could do.
func TestRemediesThatAPodCanReach(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
	if note := queueNote(10); strings.Contains(note, "\"sysctl") || !strings.Contains(note, "HTTP") {
		t.Error(note)
	}
	_, stdout, _ := tcpresume(t, "", "doctor", "--pins", t.TempDir()+"/tcpresume")
	for _, out := range []string{"mount -t", "bpfman.toml"} {
		if strings.Contains(stdout, out) {
			t.Errorf("doctor names %q:\n%s", out, stdout)
		}
	}
	if !strings.Contains(stdout, "hostPath") {
		t.Errorf("doctor:\n%s", stdout)
	}
}

func TestEveryReasonHasItsWords(t *testing.T) {
	for words, reasons := range map[*map[string]string][]string{&heldMeanings: agent.HeldReasons, &refusedMeanings: agent.RefusalReasons} {
		for _, reason := range reasons {
			if (*words)[reason] == "" {
				t.Errorf("%s has no words", reason)
			}
		}
		if len(*words) != len(reasons) {
			t.Errorf("%d words for %d reasons", len(*words), len(reasons))
		}
	}
}

func TestReportLines(t *testing.T) {
	var out strings.Builder
	lines := newEventLines(&out)
	at := time.Date(2026, 11, 21, 12, 30, 15, 123456789, time.UTC)
	peer := netip.MustParseAddr("192.0.2.1")
	for _, e := range []agent.ReportEvent{
		{At: at, UID: 33, Result: agent.Stored, Peer: peer, Saved: 256 << 10, RTT: 20_000},
		{At: at, UID: 33, Result: agent.Held, Reason: "shared", Peer: peer},
		{At: at, UID: 7, Result: agent.Refused, Reason: "uid", Detail: "uid 7 may not report"},
	} {
		if err := lines.report(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := lines.lost(agent.LostEvent{Count: 2}); err != nil {
		t.Fatal(err)
	}
	want := `TIME          PEER                   CC     EVENT
12:30:15.123  192.0.2.1              -      report of uid 33: stored 256KiB/-, rtt 20ms
12:30:15.123  192.0.2.1              -      report of uid 33: held, so many connections report this address that it must be shared by strangers (shared)
12:30:15.123  -                      -      report of uid 7: refused, uid 7 may not report (uid)
              -                      -      2 events were not shown: this reader is too slow
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestEntryText(t *testing.T) {
	e := entryOf(func(e *pathstore.Entry) {
		e.Scope, e.State, e.Holder, e.Uses, e.Age = 4026, pathstore.StateInUse, 42, 1, time.Minute
	})
	want := `peer:             192.0.2.1
cwnd:             256KiB
ssthresh:         512KiB
rtt:              80ms
mode:             careful (policy 192.0.2.0/24)
sharing:          single (policy 192.0.2.0/24)
scope:            network namespace 4026
source:           operator
state:            in-use by socket 42
stored:           1m ago, usable for 10m
used:             1 time, 0 retreats
next connection:  starts cold: a live connection (socket 42) holds the entry, which serves one only
`
	var out strings.Builder
	if err := viewEntry(e, ruleOf(nil)).write(&out, e); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out.String(), want)
	}
}
