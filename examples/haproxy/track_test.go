// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// told is what the agent is sent while HAProxy is asked again and again.
func told(t *testing.T, looks ...[]resume.Report) (all []resume.Report) {
	t.Helper()
	dir := t.TempDir()
	agent, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, resume.ReportSocket), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	reporter := client.New(client.Options{Dir: dir})
	defer reporter.Close()
	tracker, at := newTracker(reporter), time.Now()
	for _, look := range looks {
		tracker.look(context.Background(), at, look)
		at = at.Add(200 * time.Millisecond)
	}
	for buffer := make([]byte, 4096); ; {
		_ = agent.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // all is sent
		n, err := agent.Read(buffer)
		if err != nil {
			return all
		}
		var r resume.Report
		if err := json.Unmarshal(buffer[:n], &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

func TestAConnectionThatEndsBetweenTwoSecondsTellsItsLastWindow(t *testing.T) {
	sample := func(sent, cwnd uint64) resume.Report {
		return resume.Report{ID: "aa", Peer: netip.MustParseAddr("192.0.2.1"), Port: 5, Sent: sent, Cwnd: cwnd, CC: "cubic"}
	}
	as := func(event resume.ReportEvent, r resume.Report) resume.Report {
		r.Event = event
		return r
	}
	early, last := sample(100_000, 80_000), sample(900_000, 400_000)
	got := told(t, []resume.Report{sample(4000, 12_520)}, []resume.Report{early}, []resume.Report{sample(500_000, 300_000)}, []resume.Report{last}, nil, nil)
	if want := []resume.Report{as(resume.ReportTick, early), as(resume.ReportClose, last)}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := told(t, []resume.Report{sample(4000, 12_520)}, nil); got != nil {
		t.Errorf("a connection that sent less than its first window told %+v", got)
	}
}
