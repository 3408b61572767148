// SPDX-License-Identifier: Apache-2.0

package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Refused is the agent's answer to a request that it did not take, or not all of.
type Refused struct {
	Status  int    `json:"status"` // of HTTP
	Reason  string `json:"reason"` // one word, such as "uid" or "rate"
	Detail  string `json:"detail"` // what was wrong and what to do
	Stored  int    `json:"stored"` // reports that took effect
	Held    int    `json:"held"`   // reports that were right and had nothing new to say
	Reports []struct {
		Line   int    `json:"line"`
		Reason string `json:"reason"`
		Detail string `json:"detail"`
	} `json:"refused"` // the first ones
	Count int `json:"refused_count"`
}

func (r *Refused) Error() string {
	return fmt.Sprintf("the agent refused (%d, %s): %s", r.Status, r.Reason, r.Detail)
}

// retryable tells whether the same request may succeed later.
func retryable(err error) bool {
	var refused *Refused
	if errors.As(err, &refused) {
		return refused.Status >= http.StatusInternalServerError
	}
	return errors.Is(err, ErrAway)
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

// post sends one request and returns how many of its reports were refused.
func (a *api) post(ctx context.Context, body []byte) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://tcpresume/v1/reports", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	answer, err := a.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < http.StatusBadRequest {
		_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16))
		return 0, nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrAway, err)
	}
	refused := &Refused{Count: bytes.Count(body, []byte{'\n'})}
	if err := json.Unmarshal(text, refused); err != nil {
		refused.Reason, refused.Detail = "unknown", http.StatusText(answer.StatusCode)
	}
	refused.Status = answer.StatusCode
	return refused.Count, refused
}

func (a *api) close() { a.http.CloseIdleConnections() }
