// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Answer is what became of the reports of one request.
type Answer struct {
	Stored  int            `json:"stored"`                 // took effect
	Held    int            `json:"held"`                   // were right and change nothing
	Reasons map[string]int `json:"held_reasons,omitempty"` // by one word, such as "nothing_learnt"
	Count   int            `json:"refused_count"`
	Reports []RefusedLine  `json:"refused,omitempty"` // the first ones
}

// RefusedLine is one report that was not taken.
type RefusedLine struct {
	Line   int    `json:"line"` // in the request, from 1
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// Refused is the agent's answer to a request that it did not take, or not all of.
type Refused struct {
	Status int    `json:"status"` // of HTTP
	Reason string `json:"reason"` // one word, such as "uid" or "rate"
	Detail string `json:"detail"` // what was wrong and what to do
	Answer
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the agent refused (%d, %s): %s", r.Status, r.Reason, r.Detail)
}

// maxAnswer bounds what is read of an answer that is not streamed.
const maxAnswer = 1 << 16

// retryable tells whether the same request may succeed later.
func retryable(err error) bool {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused.Status >= http.StatusInternalServerError
	}
	return errors.Is(err, ErrAway) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// api speaks HTTP over the agent's Unix socket; net/http connects again by itself.
type api struct{ http http.Client }

func newAPI(path string) *api {
	return &api{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
		MaxIdleConns:    1,
		IdleConnTimeout: time.Minute,
	}}}
}

// post sends one request of several reports.
func (a *api) post(ctx context.Context, body []byte) (Answer, error) {
	var answer Answer
	reply, err := a.do(ctx, http.MethodPost, "/v1/reports", body)
	if err != nil {
		return answer, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer))
	if err != nil {
		return answer, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, fmt.Errorf("the agent's answer %.40q: %w", text, err)
	}
	return answer, nil
}

// do returns an answer below 400; another is an error that wraps a Refused.
func (a *api) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://tcpresume"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-ndjson")
	}
	reply, err := a.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if wrapped := new(url.Error); errors.As(err, &wrapped) {
			err = wrapped.Err // without a URL that has no meaning
		}
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if reply.StatusCode < http.StatusBadRequest {
		return reply, nil
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	refused := &Refused{}
	if err := json.Unmarshal(text, refused); err != nil {
		refused.Reason, refused.Detail = "unknown", http.StatusText(reply.StatusCode)
	}
	refused.Status = reply.StatusCode
	return nil, refused
}

// Send reports over HTTP and returns what became of it, for programs that
// report now and then. dir is that of the sockets; empty: /run/tcpresume.
func Send(ctx context.Context, dir string, reports ...resume.Report) (Answer, error) {
	var body []byte
	for _, r := range reports {
		if err := r.Validate(); err != nil {
			return Answer{}, fmt.Errorf("report: %w", err)
		}
		body = append(r.Append(body), '\n')
	}
	a := newAPI(filepath.Join(cmp.Or(dir, resume.SocketDir), resume.APISocket))
	defer a.close()
	return a.post(ctx, body)
}

// Get asks the agent's API for a path such as /v1/status. The caller closes the
// body; closing it ends a stream such as /v1/events.
func Get(ctx context.Context, dir, path string) (*http.Response, error) {
	a := newAPI(filepath.Join(cmp.Or(dir, resume.SocketDir), resume.APISocket))
	a.http.Transport.(*http.Transport).DisableKeepAlives = true
	return a.do(ctx, http.MethodGet, path, nil)
}

// Delete asks the agent's API to remove something, such as /v1/paths/192.0.2.1.
func Delete(ctx context.Context, dir, path string) error {
	a := newAPI(filepath.Join(cmp.Or(dir, resume.SocketDir), resume.APISocket))
	defer a.close()
	reply, err := a.do(ctx, http.MethodDelete, path, nil)
	if err == nil {
		reply.Body.Close()
	}
	return err
}

func (a *api) close() { a.http.CloseIdleConnections() }
