// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// stuck is how long nothing may be looked at: copying a million paths takes seconds.
const stuck = 5 * time.Minute

var errStarting = errors.New("nothing was looked at yet")

// Health answers the kubelet's probes.
type Health struct {
	mu     sync.Mutex
	looked time.Time
	err    error
}

// NewHealth is of a process that has looked at nothing yet.
func NewHealth() *Health { return &Health{looked: time.Now(), err: errStarting} }

// Looked is to be called after each look at what should be in use; nil: it is.
func (h *Health) Looked(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.looked, h.err = time.Now(), err
}

func (h *Health) ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *Health) alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if since := time.Since(h.looked); since > stuck {
		return fmt.Errorf("no progress for %s", since.Round(time.Second))
	}
	return nil
}

// Serve answers until ctx ends: /healthz fails if the process should be started
// again, /readyz unless what bpfman has loaded is in use. Both say why.
func (h *Health) Serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	for path, check := range map[string]func() error{"/healthz": h.alive, "/readyz": h.ready} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			if err := check(); err != nil {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
			fmt.Fprintln(w, "ok")
		})
	}
	const each = 5 * time.Second
	server := &http.Server{Handler: mux, ReadTimeout: each, WriteTimeout: each, IdleTimeout: time.Minute, MaxHeaderBytes: 4096}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(listener); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
