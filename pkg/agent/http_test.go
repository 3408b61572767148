// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// ask sends one request over the socket and returns status, kind and body.
func ask(t *testing.T, dir, method, path, body string) (int, string, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, resume.APISocket))
	}}}
	request, err := http.NewRequest(method, "http://agent"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, reply.Header.Get("Content-Type"), string(text)
}

func lineOf(change func(*resume.Report)) string { return string(grown(change).Append(nil)) + "\n" }

func TestHTTPAnswers(t *testing.T) {
	store := newMemory()
	_, dir := serving(t, Options{Paths: store, Entry: store.entry, Version: "v1", Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "metrics")
	})})
	blank := strings.Repeat(" ", resume.MaxReport) + "\n" // of which few make a large body
	const plain, trouble = "application/json", "application/problem+json"
	for _, c := range []struct {
		request, body string
		status        int
		kind          string
		words         string
	}{
		{"POST /v1/reports", lineOf(nil) + "\n" + lineOf(of("two", 300_000, at("2001:db8::9"))), 200, plain, `{"stored":2,"held":0,"refused_count":0}`},
		{"POST /v1/reports", lineOf(cwnd(38_400)), 200, plain, `{"stored":0,"held":1,"held_reasons":{"reset":1},"refused_count":0}`},
		{"POST /v1/reports", "", 400, trouble, `"reason":"malformed","detail":"the body is empty`},
		{"POST /v1/reports", "{}", 422, trouble, `"status":422,"reason":"malformed","detail":"line 1: v is missing`},
		{"POST /v1/reports", lineOf(of("three", 300_000, at("198.51.100.7"))) + "nonsense\n", 422, trouble, `"stored":1,"held":0,"refused_count":1,"refused":[{"line":2,"reason":"malformed"`},
		{"POST /v1/reports", lineOf(at("10.0.0.1")), 403, trouble, `"reason":"peer","detail":"line 1: 10.0.0.1 is a private address`},
		{"POST /v1/reports", strings.Repeat("x", 4000), 422, trouble, `line 1: the report has more than 1024 bytes`},
		{"POST /v1/reports", lineOf(of("before", 300_000, at("198.51.100.21"))) + strings.Repeat("x", 90_000) + "\n" + lineOf(of("behind", 300_000, at("198.51.100.22"))), 422, trouble, `"stored":2,"held":0,"refused_count":1,"refused":[{"line":2,"reason":"malformed"`},
		{"POST /v1/reports", "\ufeff" + lineOf(of("marked", 300_000, at("198.51.100.23"))), 200, plain, `{"stored":1,"held":0,"refused_count":0}`},
		{"GET /v1/paths/2001:db8::7?netns_cookie=18446744073709551615", "", 400, trouble, `this is for addresses only`},
		{"DELETE /v1/paths/2001:db8::7?netns_cookie=18446744073709551615", "", 400, trouble, `this is for addresses only`},
		{"DELETE /v1/paths/token:20010db8000000000000000000000007", "", 400, trouble, `a token is not an address`},
		{"POST /v1/reports", strings.Repeat(blank, maxBody/len(blank)+1), 413, trouble, `"reason":"size"`},
		{"GET /v1/paths/203.0.113.7", "", 200, plain, `"Cwnd":300000`},
		{"GET /v1/paths/::ffff:203.0.113.7", "", 200, plain, `"Cwnd":300000`},
		{"GET /v1/paths/203.0.113.8", "", 404, trouble, `"reason":"no_saved_path"`},
		{"GET /v1/paths/203.0.113.7?netns_cookie=x", "", 400, trouble, `netns_cookie`},
		{"GET /v1/paths/here", "", 400, trouble, `is not an address`},
		{"GET /healthz", "", 200, plain, `{"status":"ok","version":"v1"}`},
		{"GET /v1/status", "", 200, plain, `"result":"stored","reason":"","reports":6`},
		{"GET /metrics", "", 200, "text/plain; charset=utf-8", "metrics"},
		{"GET /openapi.json", "", 200, plain, `"openapi"`},
		{"GET /", "", 404, trouble, `GET / is nothing this agent answers`},
		{"DELETE /v1/paths/203.0.113.7", "", 404, trouble, `this agent is in no fleet`},
		{"PUT /v1/paths/203.0.113.7", "", 404, trouble, `is nothing this agent answers`},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		status, kind, body := ask(t, dir, method, path, c.body)
		if status != c.status || kind != c.kind || !strings.Contains(body, c.words) {
			t.Errorf("%s %.60s\n  gave %d %s %s\n  want %d %s ...%s...", c.request, c.body, status, kind, body, c.status, c.kind, c.words)
		}
		if kind == trouble {
			var p Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil || p.Status != status || p.Reason == "" || p.Detail == "" || p.Title == "" {
				t.Errorf("%s: %v, problem %+v", c.request, err, p)
			}
		}
	}
}

func TestTooFastIsToldWithARetry(t *testing.T) {
	config := DefaultConfig()
	config.Callers = []Caller{{UIDs: []uint32{me().UID}, Rate: 1, Burst: 1, MaxPaths: 10, MaxCwnd: 1 << 30}}
	_, dir := serving(t, Options{Config: config, Paths: newMemory()})
	status, _, body := ask(t, dir, "POST", "/v1/reports", lineOf(nil)+lineOf(nil)+lineOf(nil))
	if status != 429 || !strings.Contains(body, `"reason":"rate"`) || !strings.Contains(body, `"stored":1`) {
		t.Errorf("got %d %s", status, body)
	}
	status, _, body = ask(t, dir, "GET", "/v1/status", "")
	if status != 403 || !strings.Contains(body, `"reason":"read"`) {
		t.Errorf("who may not read got %d %s", status, body)
	}
}

func TestEventsReachEveryWatcher(t *testing.T) {
	events := make(chan pathstore.Event)
	a, dir := serving(t, Options{Paths: newMemory(), EventsID: func() uint32 { return 7 }, Events: func(ctx context.Context, each func(pathstore.Event) error) error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case e := <-events:
				if err := each(e); err != nil {
					return err
				}
			}
		}
	}})
	var watchers []*bufio.Scanner
	for range 3 {
		c, err := net.Dial("unix", filepath.Join(dir, resume.APISocket))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(c, "GET /v1/events HTTP/1.1\r\nHost: agent\r\n\r\n")
		watchers = append(watchers, bufio.NewScanner(c))
	}
	eventually(t, "three watch", func() bool { return a.Status().Watchers == 3 })
	a.TakeReport(me(), grown(nil))
	events <- pathstore.Event{Kind: "resumed", Cookie: 99}
	for i, w := range watchers {
		var seen []string
		for len(seen) < 2 && w.Scan() {
			if line := w.Text(); strings.HasPrefix(line, "{") {
				seen = append(seen, line)
			} else if name, value, _ := strings.Cut(line, ": "); name == EventsHeader && value != "7" {
				t.Errorf("watcher %d is told of ring %s", i, value)
			}
		}
		if len(seen) != 2 || !strings.Contains(seen[0], `"event":"report"`) || !strings.Contains(seen[0], `"saved_cwnd":300000`) || !strings.Contains(seen[1], `"cookie":99`) {
			t.Errorf("watcher %d saw %q", i, seen)
		}
	}
}

func TestASlowWatcherIsToldWhatItMissed(t *testing.T) {
	var h hub
	r := h.join()
	for range readAhead + 5 {
		h.send(pathstore.Event{Kind: "resumed"})
	}
	<-r.lines
	<-r.lines
	h.send(pathstore.Event{Kind: "closed"})
	for range readAhead - 2 {
		<-r.lines
	}
	if got, want := string(<-r.lines), `{"event":"lost","count":5}`+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(<-r.lines); !strings.Contains(got, `"event":"closed"`) {
		t.Errorf("got %s", got)
	}
	h.leave(r)
	if h.readers.Load() != 0 {
		t.Error("the watcher has left, and is counted")
	}
}

// One who opens connections and says nothing leaves the others alone; the
// header's time is the server's own and tested by its package.
func TestConnectionsOfAUserAreBounded(t *testing.T) {
	_, dir := serving(t, Options{Paths: newMemory()})
	var held []net.Conn
	for range maxConns {
		c, err := net.Dial("unix", filepath.Join(dir, resume.APISocket))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	status, _, body := ask(t, dir, "GET", "/healthz", "")
	if status != 503 || !strings.Contains(body, `"reason":"connections"`) {
		t.Errorf("one too many got %d %s", status, body)
	}
	for _, c := range held {
		c.Close()
	}
	eventually(t, "there is room again", func() bool {
		status, _, _ := ask(t, dir, "GET", "/healthz", "")
		return status == 200
	})
}

// The document has what is answered, and names every field and reason.
func TestOpenAPIMatchesTheHandlers(t *testing.T) {
	var doc struct {
		OpenAPI    string                                `json:"openapi"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Enum []any `json:"enum"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	documented := make(map[string]bool)
	for path, methods := range doc.Paths {
		for method := range methods {
			documented[strings.ToUpper(method)+" "+path] = true
		}
	}
	for route := range New(Options{Paths: newMemory()}).routes() {
		if !documented[route] {
			t.Errorf("%s is answered, and not documented", route)
		}
		delete(documented, route)
	}
	for route := range documented {
		t.Errorf("%s is documented, and not answered", route)
	}
	schemas := doc.Components.Schemas
	for schema, names := range map[string][]string{
		"Report": resume.ReportFields, "Answer": fieldsOf(t, Answer{Reasons: map[string]int{"x": 1}, Refused: []RefusedLine{{}}}),
		"Problem": fieldsOf(t, problemAnswer{Answer: Answer{Reasons: map[string]int{"x": 1}, Refused: []RefusedLine{{}}}}),
		"Status":  fieldsOf(t, Status{Fleet: json.RawMessage("{}"), Waiting: "x", Notes: []string{"x"}}), "ReportEvent": fieldsOf(t, ReportEvent{Reason: "x", Detail: "x", Peer: client, ID: "x", Cwnd: 1, Saved: 1, SavedS: 1, RTT: 1}),
	} {
		got := schemas[schema].Properties
		for _, name := range names {
			if _, ok := got[name]; !ok {
				t.Errorf("schema %s lacks %s", schema, name)
			}
		}
		if len(got) != len(names) {
			t.Errorf("schema %s has %d properties, the type %d", schema, len(got), len(names))
		}
	}
	reasons := fmt.Sprint(schemas["RefusedLine"].Properties["reason"].Enum)
	if want := fmt.Sprint(RefusalReasons); reasons != want {
		t.Errorf("reasons of refusals: %s, want %s", reasons, want)
	}
	reasons = fmt.Sprint(schemas["Count"].Properties["reason"].Enum)
	if want := fmt.Sprint(append(append([]string{""}, RefusalReasons...), HeldReasons...)); reasons != want {
		t.Errorf("reasons of counts: %s, want %s", reasons, want)
	}
}

func fieldsOf(t *testing.T, thing any) []string {
	t.Helper()
	text, err := json.Marshal(thing)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	return names
}

// Whatever a body holds, the agent answers, and stores nothing that is not a report.
func FuzzReportsBody(f *testing.F) {
	f.Add([]byte(lineOf(nil) + lineOf(cwnd(1))))
	f.Add([]byte("{}\n\x00\xff\n\n[]"))
	store := newMemory()
	a := New(Options{Config: DefaultConfig(), Paths: store})
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := http.NewRequestWithContext(context.WithValue(context.Background(), credentialsKey{}, me()), "POST", "/v1/reports", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		before := store.puts
		w := &answer{header: make(http.Header)}
		a.postReports(w, request)
		var got Answer
		if err := json.Unmarshal(w.body, &got); err != nil {
			t.Fatalf("%q was answered by %q: %v", body, w.body, err)
		}
		reports := 0
		for line := range strings.Lines(string(body)) {
			if _, err := resume.ParseReport([]byte(strings.TrimSpace(line))); err == nil {
				reports++
			}
		}
		if got.Stored > reports || store.puts-before != got.Stored {
			t.Fatalf("%q: %d puts, %+v", body, store.puts-before, got)
		}
	})
}

type answer struct {
	header http.Header
	status int
	body   []byte
}

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(s int)   { a.status = s }
func (a *answer) Write(b []byte) (int, error) {
	a.body = append(a.body, b...)
	return len(b), nil
}
