// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"context"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/tcpresume/tcpresume/pkg/client"
)

// shards spread the connections, so that a hundred thousand of them cost no
// goroutine each and one lock is never held for long.
const shards = 64

// watcher knows the live connections of one server.
type watcher struct {
	reporter *client.Reporter
	shards   [shards]shard

	mu      sync.Mutex
	live    int
	stopped chan struct{} // closed when the sweep is to end; nil while there is none
}

type shard struct {
	mu    sync.Mutex
	conns map[*conn]struct{}
}

func (w *watcher) add(q *quic.Conn) *conn {
	c := &conn{quic: q, number: numbers.Add(1), reporter: w.reporter}
	s := &w.shards[c.number%shards]
	s.mu.Lock()
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	w.count(+1)
	context.AfterFunc(q.Context(), func() {
		c.closed()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		w.count(-1)
	})
	return c
}

// count starts the sweep with the first connection and ends it with the last.
func (w *watcher) count(change int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live += change
	switch {
	case w.live > 0 && w.stopped == nil:
		w.stopped = make(chan struct{})
		go w.sweep(w.stopped)
	case w.live == 0 && w.stopped != nil:
		close(w.stopped)
		w.stopped = nil
	}
}

// sweep looks at one shard at a time, so that reports come evenly.
func (w *watcher) sweep(stopped <-chan struct{}) {
	ticker := time.NewTicker(interval / shards)
	defer ticker.Stop()
	for next := 0; ; next++ {
		select {
		case <-stopped:
			return
		case <-ticker.C:
			w.shards[next%shards].sample()
		}
	}
}

func (s *shard) sample() {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.sample()
	}
}
