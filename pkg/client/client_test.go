// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// patience bounds waiting for what must happen.
const patience = 10 * time.Second

func reportOf(peer string, cwnd uint64) resume.Report {
	return resume.Report{Peer: netip.MustParseAddr(peer), Cwnd: cwnd, MinRTT: 20 * time.Millisecond, ID: peer}
}

// socket is the agent's end of the datagrams.
func socket(t *testing.T, dir string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, resume.ReportSocket), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) resume.Report {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 2*resume.MaxReport)
	n, err := conn.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	r, err := resume.ParseReport(buf[:n])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDatagramsFindARestartedAgent(t *testing.T) {
	dir := t.TempDir()
	reporter := New(Options{Dir: dir})
	defer reporter.Close()
	ctx := context.Background()
	want := reportOf("192.0.2.1", 100_000)

	if err := reporter.Report(ctx, want); !errors.Is(err, ErrAway) {
		t.Errorf("without an agent: %v, want %v", err, ErrAway)
	}
	for range 2 {
		agent := socket(t, dir)
		if err := reporter.Report(ctx, want); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, agent); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		agent.Close()
		_ = os.Remove(filepath.Join(dir, resume.ReportSocket))
	}
	if got, want := reporter.Stats(), (Stats{Sent: 2, Dropped: 1}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestDatagramsDoNotWaitForABusyAgent(t *testing.T) {
	dir := t.TempDir()
	socket(t, dir) // which nobody reads
	reporter := New(Options{Dir: dir, Patience: time.Millisecond})
	defer reporter.Close()
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = reporter.Report(context.Background(), reportOf("192.0.2.1", 100_000))
	}
	if !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want %v", err, ErrBusy)
	}
}

func TestInvalidReportsAreTold(t *testing.T) {
	for _, transport := range []Transport{Datagram, HTTP} {
		reporter := New(Options{Dir: t.TempDir(), Transport: transport})
		if err := reporter.Report(context.Background(), resume.Report{}); err == nil || errors.Is(err, ErrAway) {
			t.Errorf("%s: an empty report gave %v", transport, err)
		}
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		if err := reporter.Report(ended, reportOf("192.0.2.1", 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: with an ended context: %v", transport, err)
		}
		_ = reporter.Close()
		if err := reporter.Report(context.Background(), reportOf("192.0.2.1", 1)); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: after Close: %v, want %v", transport, err, ErrClosed)
		}
	}
}

// server is the agent's end of HTTP: it answers as told and notes what came.
type server struct {
	http.Server
	mu      sync.Mutex
	status  int
	body    string
	batches [][]resume.Report
}

func serve(t *testing.T, dir string, status int, body string) *server {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(dir, resume.APISocket))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{status: status, body: body}
	s.Handler = s
	go s.Serve(listener)
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var batch []resume.Report
	for line := range bytes.Lines(text) {
		report, err := resume.ParseReport(line)
		if err != nil {
			panic(err)
		}
		report.Age = 0
		batch = append(batch, report)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches = append(s.batches, batch)
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

func (s *server) got() []resume.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Concat(s.batches...)
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func TestBatchesKeepTheLatestOfEachConnection(t *testing.T) {
	dir := t.TempDir()
	agent := serve(t, dir, http.StatusOK, "{}")
	reporter := New(Options{Dir: dir, Transport: HTTP, Interval: time.Hour})
	ctx := context.Background()
	for _, r := range []resume.Report{reportOf("192.0.2.1", 1), reportOf("2001:db8::1", 2), reportOf("192.0.2.1", 3)} {
		if err := reporter.Report(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := reporter.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	want := []resume.Report{reportOf("192.0.2.1", 3), reportOf("2001:db8::1", 2)}
	if got := agent.got(); !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := reporter.Stats(), (Stats{Sent: 2}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
	if err := reporter.Close(); err != nil {
		t.Error(err)
	}
}

func TestBatchesWaitForAnAgentThatIsAway(t *testing.T) {
	dir := t.TempDir()
	var away sync.Once
	wasAway := make(chan struct{})
	reporter := New(Options{Dir: dir, Transport: HTTP, Interval: time.Millisecond, Pending: 2, OnError: func(err error) {
		if errors.Is(err, ErrAway) {
			away.Do(func() { close(wasAway) })
		}
	}})
	defer reporter.Close()
	for _, r := range []resume.Report{reportOf("192.0.2.1", 1), reportOf("192.0.2.2", 2), reportOf("192.0.2.3", 3)} {
		if err := reporter.Report(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	<-wasAway
	agent := serve(t, dir, http.StatusOK, "{}")
	eventually(t, "the reports arrive", func() bool { return reporter.Stats().Sent == 2 })
	if got := reporter.Stats().Dropped; got != 1 || len(agent.got()) != 2 {
		t.Errorf("%d dropped, %+v arrived, of three reports with room for two", got, agent.got())
	}
}

func TestRefusalsAreTold(t *testing.T) {
	dir := t.TempDir()
	agent := serve(t, dir, http.StatusForbidden, `{"title":"refused","reason":"uid","detail":"uid 65534 may not report","refused_count":1}`)
	reporter := New(Options{Dir: dir, Transport: HTTP, Interval: time.Hour})
	defer reporter.Close()
	if err := reporter.Report(context.Background(), reportOf("192.0.2.1", 1)); err != nil {
		t.Fatal(err)
	}
	err := reporter.Flush(context.Background())
	var refused *Refused
	if !errors.As(err, &refused) || refused.Reason != "uid" || refused.Status != http.StatusForbidden {
		t.Errorf("got %v", err)
	}
	if got, want := reporter.Stats(), (Stats{Refused: 1}); got != want || len(agent.got()) != 1 {
		t.Errorf("stats %+v, want %+v; %d requests", got, want, len(agent.got()))
	}
}

func TestTooOldReportsAreDropped(t *testing.T) {
	dir := t.TempDir()
	agent := serve(t, dir, http.StatusOK, "{}")
	reporter := New(Options{Dir: dir, Transport: HTTP, Interval: time.Hour, MaxAge: time.Second})
	old := reportOf("192.0.2.1", 1)
	old.Age = time.Minute
	for _, r := range []resume.Report{old, reportOf("192.0.2.2", 2)} {
		if err := reporter.Report(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := reporter.Close(); err != nil { // which sends what is pending
		t.Fatal(err)
	}
	if got, want := agent.got(), []resume.Report{reportOf("192.0.2.2", 2)}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := reporter.Stats(), (Stats{Sent: 1, Dropped: 1}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

// What could not be sent does not come after what is newer.
func TestWhatWasPutBackGivesWay(t *testing.T) {
	dir := t.TempDir()
	reporter := New(Options{Dir: dir, Transport: HTTP, Interval: time.Hour})
	defer reporter.Close()
	b := reporter.transport.(*batcher)
	ctx := context.Background()
	if err := reporter.Report(ctx, reportOf("192.0.2.1", 1)); err != nil {
		t.Fatal(err)
	}
	batch := b.take()
	if err := reporter.Report(ctx, reportOf("192.0.2.1", 2)); err != nil {
		t.Fatal(err)
	}
	b.putBack(batch)
	agent := serve(t, dir, http.StatusOK, "{}")
	if err := reporter.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := agent.got(), []resume.Report{reportOf("192.0.2.1", 2)}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
