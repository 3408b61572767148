// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"io"
	"net"
	"sync"
)

// Wire is an address that leads to the API server until it is cut.
type Wire struct {
	Host, Port string

	listener net.Listener
	to       string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

// NewWire opens a way to the API server, which may be cut without stopping it.
func (c *Cluster) NewWire() (*Wire, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(c.Host, "0"))
	if err != nil {
		return nil, err
	}
	w := &Wire{listener: listener, to: net.JoinHostPort(c.Host, c.Port)}
	w.Host, w.Port, err = net.SplitHostPort(listener.Addr().String())
	go w.serve()
	return w, err
}

func (w *Wire) serve() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil {
			in.Close()
			continue
		}
		w.mu.Lock()
		if w.cut {
			in.Close()
			out.Close()
		} else {
			w.open = append(w.open, in, out)
			go pass(in, out)
			go pass(out, in)
		}
		w.mu.Unlock()
	}
}

func pass(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
}

// Cut breaks every connection and lets no new one through until Mend.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, conn := range w.open {
		conn.Close()
	}
	w.open = nil
}

// Mend lets connections through again.
func (w *Wire) Mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = false
}

// Close cuts the wire for good.
func (w *Wire) Close() error {
	w.Cut()
	return w.listener.Close()
}
