// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// ErrAway is wrapped by errors about an agent that does not answer. A later
// report finds it again; what a server does about it is nothing.
var ErrAway = errors.New("the agent is away")

// ErrBusy is wrapped by errors about an agent that does not keep up.
var ErrBusy = errors.New("the agent is busy")

// ErrClosed is returned after Close.
var ErrClosed = errors.New("the reporter is closed")

// Transport is a way to the agent.
type Transport string

// Datagram sends each report by itself, at once and without an answer: a few
// microseconds. HTTP gathers reports and learns what became of them.
const (
	Datagram Transport = "datagram"
	HTTP     Transport = "http"
)

// Options of New. The zero value will do.
type Options struct {
	Dir       string        // of the agent's sockets; default /run/tcpresume
	Transport Transport     // default Datagram
	Patience  time.Duration // how long a report may wait for a busy agent; default 10ms for Datagram, 5s for a request of HTTP

	// HTTP only.
	Interval time.Duration // how long reports are gathered; default 100ms
	Batch    int           // most reports in one request; default 500
	Pending  int           // most reports that wait for an agent that is away; default 4096
	MaxAge   time.Duration // older ones are dropped; default 30s
	OnError  func(error)   // told what Report cannot return, from another goroutine
}

// Reporter sends reports. Its methods may be called from several goroutines.
type Reporter struct {
	transport interface {
		report(ctx context.Context, r resume.Report) error
		flush(ctx context.Context) error
		close() error
	}
	counts counts
}

type counts struct{ sent, refused, dropped atomic.Uint64 }

// Stats counts what became of reports.
type Stats struct {
	Sent    uint64 // given to the agent; over HTTP, and taken
	Refused uint64 // by the agent, HTTP only
	Dropped uint64 // the agent was away or busy
}

// New makes a Reporter. It does not connect: the agent may come later, and go.
func New(opts Options) *Reporter {
	if opts.Dir == "" {
		opts.Dir = resume.SocketDir
	}
	r := &Reporter{}
	if opts.Transport == HTTP {
		r.transport = newBatcher(opts, filepath.Join(opts.Dir, resume.APISocket), &r.counts)
	} else {
		r.transport = newDatagrams(opts, filepath.Join(opts.Dir, resume.ReportSocket), &r.counts)
	}
	return r
}

// Report hands over one report. By Datagram it has been given to the kernel when
// Report returns nil, and waits at most Patience, or until ctx ends, for a busy
// agent. By HTTP it has been noted, in place of an older one of the same connection.
//
// An invalid report is an error that says why; ErrAway and ErrBusy can be ignored.
func (r *Reporter) Report(ctx context.Context, report resume.Report) error {
	if err := report.Validate(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return r.transport.report(ctx, report)
}

// Flush sends what is pending and returns what became of it.
func (r *Reporter) Flush(ctx context.Context) error { return r.transport.flush(ctx) }

// Stats returns the counts since New.
func (r *Reporter) Stats() Stats {
	return Stats{Sent: r.counts.sent.Load(), Refused: r.counts.refused.Load(), Dropped: r.counts.dropped.Load()}
}

// Close sends what is pending, within Patience, and ends the Reporter.
func (r *Reporter) Close() error { return r.transport.close() }
