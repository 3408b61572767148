// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// story is what a resume on a clean path tells, in every view.
var story = []string{"report", "resumed", "reconnaissance>unvalidated", "unvalidated>validating", "validating>filling", "filling>normal", "closed"}

func TestEveryViewTellsTheSame(t *testing.T) {
	policy := resume.DefaultPolicy()
	policy.Learn = false
	check.Must(t, loaded.Store.SetPolicy(pathstore.Rule{Policy: policy}))
	l, err := lab.New(lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	defer func() { check.Must(t, l.Close()) }()
	port := freePort(t)
	before, err := loaded.Counters()
	check.Must(t, err)
	a := startAgent(t, "--metrics", port)

	lines, events, qlog := watch(t, a, "table"), watch(t, a, "json"), watch(t, a, "qlog")
	check.Eventually(t, patience, "three watch", func() bool { return strings.Contains(run(t, a, "status", "-o", "json"), `"watchers":3`) })

	answer, err := client.Send(context.Background(), a.Sockets, resume.Report{
		Peer: l.Client.IPv4, Cwnd: uint64(l.Path().BDP()), MinRTT: l.Path().RTT, Sent: 10_000_000, ID: "quic",
	})
	if err != nil || answer.Stored != 1 {
		t.Fatalf("%+v, %v", answer, err)
	}
	_, err = l.Fetch(context.Background(), lab.ListenSpec{CC: "cubic", Cgroup: loaded.Cgroup}, lab.Fetch{Bytes: 3_000_000, Before: 4000, Local: l.Client.IPv4})
	check.Must(t, err)

	check.Eventually(t, patience, "the end is seen everywhere", func() bool {
		return strings.Contains(lines.text(), "closed:") && strings.Contains(events.text(), `"event":"closed"`) && strings.Contains(qlog.text(), "tcpresume:closed")
	})
	if got := fromJSON(t, events.text()); !slices.Equal(got, story) {
		t.Errorf("json tells %q", got)
	}
	if got := fromQlog(t, qlog.text()); !slices.Equal(got, story) {
		t.Errorf("qlog tells %q", got)
	}
	for _, words := range []string{"report of uid 0: stored", "resumed: ", "(congestion_window_limited)", "(pipe_full)", "closed: 3.0 MB acked"} {
		if !strings.Contains(lines.text(), words) {
			t.Errorf("the table lacks %q:\n%s", words, lines.text())
		}
	}
	status := run(t, a, "status")
	for _, words := range []string{"agent:", "Reports since the agent started:\n  uid 0  1  stored", "congestion_window_limited"} {
		if !strings.Contains(status, words) {
			t.Errorf("status lacks %q:\n%s", words, status)
		}
	}
	metrics := scrape(t, "http://"+port+"/metrics")
	for _, line := range []string{
		"tcpresume_kernel_up 1", fmt.Sprintf(`tcpresume_ways_out_total{way="resumed"} %d`, before["resumed"]+1), `tcpresume_triggers_total{trigger="congestion_window_limited"} 1`,
		`tcpresume_reports_total{reason="",result="stored",uid="0"} 1`, `tcpresume_saved_window_bytes_count{source="application"} 1`,
		`tcpresume_restored_window_bytes_count{mode="careful"} 1`, `tcpresume_restored_window_bytes_bucket{mode="careful",le="131072"} 1`,
	} {
		if !strings.Contains(metrics, line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	checkQlog(t, qlog.text(), l)
}

func startAgent(t *testing.T, args ...string) *rig.Agent {
	t.Helper()
	config := filepath.Join(dir, "agent.yaml")
	check.Must(t, os.WriteFile(config, []byte("callers:\n  - users: [root]\n    peers: [0.0.0.0/0, '::/0']\n    read: true\n"), 0o600))
	a, err := rig.StartAgent(program, loader.DefaultPins, filepath.Join(dir, "run"), append([]string{"--config", config}, args...)...)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, a.Stop()) })
	return a
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check.Must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

func run(t *testing.T, a *rig.Agent, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, append(args, "--socket-dir", a.Sockets)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", args, err, out)
	}
	return string(out)
}

// watcher is a running "tcpresume watch".
type watcher struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(b)
}

func (w *watcher) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

func watch(t *testing.T, a *rig.Agent, form string) *watcher {
	t.Helper()
	w := &watcher{}
	cmd := exec.Command(program, "watch", "-o", form, "--socket-dir", a.Sockets)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check.Must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("watch -o %s ended with %v", form, err)
		}
	})
	return w
}

func fromJSON(t *testing.T, text string) (told []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e struct {
			Event, Phase string
			Old          string `json:"old_phase"`
		}
		check.Must(t, json.Unmarshal([]byte(line), &e))
		if e.Event == "phase" {
			e.Event = e.Old + ">" + e.Phase
		}
		told = append(told, e.Event)
	}
	return told
}

type qlogRecord struct {
	Time float64
	Name string
	Data struct {
		Old, New, Trigger string
		State             map[string]any `json:"state_data"`
		Restored          map[string]any `json:"restored_data"`
	}
}

// fromQlog reads JSON text sequences and leaves out the header, which checkQlog reads.
func fromQlog(t *testing.T, text string) (told []string) {
	t.Helper()
	for i, record := range strings.Split(text, "\x1e")[1:] {
		var r qlogRecord
		check.Must(t, json.Unmarshal([]byte(record), &r))
		switch {
		case i == 0:
			continue
		case r.Name != "careful-resume:phase_updated":
			told = append(told, strings.TrimPrefix(r.Name, "tcpresume:"))
		case r.Data.Old == "":
			told = append(told, "resumed")
		default:
			told = append(told, r.Data.Old+">"+r.Data.New)
		}
	}
	return told
}

func checkQlog(t *testing.T, text string, l *lab.Lab) {
	t.Helper()
	records := strings.Split(text, "\x1e")
	if records[0] != "" {
		t.Errorf("something stands before the first record: %q", records[0])
	}
	var header struct {
		Schema string `json:"file_schema"`
		Format string `json:"serialization_format"`
		Trace  struct {
			Schemas []string `json:"event_schemas"`
		}
	}
	check.Must(t, json.Unmarshal([]byte(records[1]), &header))
	if header.Schema != "urn:ietf:params:qlog:file:sequential" || header.Format != "application/qlog+json-seq" || len(header.Trace.Schemas) == 0 {
		t.Errorf("header %+v", header)
	}
	for _, record := range records[2:] {
		var r qlogRecord
		check.Must(t, json.Unmarshal([]byte(record), &r))
		if !strings.HasSuffix(record, "\n") || r.Time < 1.7e12 {
			t.Errorf("record %q", record)
		}
		if r.Data.New != "unvalidated" {
			continue
		}
		want := float64(l.Path().BDP())
		if r.Data.Trigger != "congestion_window_limited" || r.Data.Restored["saved_congestion_window"] != want || r.Data.Restored["saved_rtt"] != 40. || r.Data.State["jump_cwnd"] != float64(l.Path().BDP()/2) {
			t.Errorf("the jump is told as %+v", r)
		}
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	reply, err := http.Get(url)
	check.Must(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	check.Must(t, err)
	if reply.StatusCode != http.StatusOK {
		t.Fatal(fmt.Sprint(reply.StatusCode, " ", string(text)))
	}
	return string(text)
}
