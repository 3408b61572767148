// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

const (
	headerTime  = 5 * time.Second
	requestTime = 10 * time.Second // for a whole request, however slowly it comes
	idleTime    = 2 * time.Minute
	maxHeader   = 8 << 10
)

//go:embed openapi.json
var openAPI []byte

// Problem is the body of every error (RFC 9457), and of a batch that was not taken whole.
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Reason string `json:"reason"` // one word, for programs
	Detail string `json:"detail"` // what was wrong and what to do, for people
}

func problem(w http.ResponseWriter, status int, reason, format string, args ...any) {
	writeJSON(w, status, "application/problem+json", Problem{http.StatusText(status), status, reason, fmt.Sprintf(format, args...)})
}

func writeJSON(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who has gone away needs no answer
}

// routes are all requests that the agent answers; the OpenAPI document has the same.
func (a *Agent) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"POST /v1/reports":      a.postReports,
		"GET /v1/paths/{ip}":    a.getPath,
		"DELETE /v1/paths/{ip}": a.deletePath,
		"GET /v1/events":        a.getEvents,
		"GET /v1/status":        a.getStatus,
		"GET /healthz":          a.getHealth,
		"GET /readyz":           a.getReady,
		"GET /metrics":          a.getMetrics,
		"GET /openapi.json":     getOpenAPI,
	}
}

func (a *Agent) server(ctx context.Context) *http.Server {
	mux := http.NewServeMux()
	for pattern, handler := range a.routes() {
		mux.HandleFunc(pattern, handler)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "unknown", "%s %s is nothing this agent answers: see /openapi.json", r.Method, r.URL.Path)
	})
	return &http.Server{
		Handler:           mux,
		ConnContext:       withCredentials,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams of events
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       requestTime,
		WriteTimeout:      requestTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
	}
}

// Public serves metrics and health without authentication, for a TCP port that
// the operator chose to open.
func (a *Agent) Public(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) { a.metrics(w, r) })
	mux.HandleFunc("GET /healthz", a.getHealth)
	mux.HandleFunc("GET /readyz", a.getReady)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// reader returns what the requesting process may do, after telling it that it may not read.
func (a *Agent) reader(w http.ResponseWriter, r *http.Request, all bool) *Caller {
	who := credentialsOf(r.Context())
	a.mu.Lock()
	c := a.guard.caller(who)
	a.mu.Unlock()
	switch {
	case c == nil:
		problem(w, http.StatusForbidden, ReasonUID, "%v", refusedUID(who))
		return nil
	case all && !c.Read:
		problem(w, http.StatusForbidden, "read", "uid %d may report, not read: the operator sets read: true for it in the agent's configuration", who.UID)
		return nil
	}
	return c
}

func (a *Agent) getPath(w http.ResponseWriter, r *http.Request) {
	c := a.reader(w, r, false)
	if c == nil {
		return
	}
	peer, scope, ok := peerOf(w, r)
	if !ok {
		return
	}
	if !c.Read {
		a.mu.Lock()
		err := a.guard.mayReport(c, credentialsOf(r.Context()), peer)
		a.mu.Unlock()
		if err != nil {
			problem(w, http.StatusForbidden, ReasonPeer, "%v", err)
			return
		}
	}
	if a.opts.Entry == nil {
		problem(w, http.StatusNotFound, "unknown", "this agent shows no paths")
		return
	}
	switch entry, err := a.opts.Entry(peer, scope); {
	case errors.Is(err, pathstore.ErrNotFound):
		problem(w, http.StatusNotFound, "no_saved_path", "%v", err)
	case err != nil:
		storeProblem(w, err)
	default:
		writeJSON(w, http.StatusOK, "application/json", entry)
	}
}

// storeProblem tells of maps that are not there, or do not do what they are to.
func storeProblem(w http.ResponseWriter, err error) {
	if errors.Is(err, pathstore.ErrNotLoaded) {
		problem(w, http.StatusServiceUnavailable, ReasonWaiting, "%v", err)
		return
	}
	problem(w, http.StatusInternalServerError, ReasonStore, "%v", err)
}

// getHealth is about this process: starting it again mends nothing else.
func (a *Agent) getHealth(w http.ResponseWriter, _ *http.Request) {
	health := map[string]string{"status": "ok", "version": a.opts.Version}
	if err := a.opts.Ready(); err != nil {
		health["kernel"] = err.Error()
	}
	writeJSON(w, http.StatusOK, "application/json", health)
}

// getReady is about what reports are for.
func (a *Agent) getReady(w http.ResponseWriter, _ *http.Request) {
	if err := a.opts.Ready(); err != nil {
		problem(w, http.StatusServiceUnavailable, "kernel", "%v", err)
		return
	}
	writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok", "version": a.opts.Version})
}

func (a *Agent) getMetrics(w http.ResponseWriter, r *http.Request) {
	if a.reader(w, r, true) != nil {
		a.metrics(w, r)
	}
}

func (a *Agent) metrics(w http.ResponseWriter, r *http.Request) {
	if a.opts.Metrics == nil {
		problem(w, http.StatusNotFound, "unknown", "this agent has no metrics")
		return
	}
	a.opts.Metrics.ServeHTTP(w, r)
}

func getOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
}
