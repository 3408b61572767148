// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"io"
	"net"
	"sync"
)

// Wire is a way to a server that can be cut.
type Wire struct {
	to       string
	listener net.Listener
	mu       sync.Mutex
	cut      bool
	conns    map[net.Conn]bool
}

// New leads to a TCP address. The caller must Close it.
func New(to string) (*Wire, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &Wire{to: to, listener: listener, conns: make(map[net.Conn]bool)}
	go w.accept()
	return w, nil
}

// Addr is the end that stands for the server.
func (w *Wire) Addr() string { return w.listener.Addr().String() }

// Close cuts the wire for good.
func (w *Wire) Close() {
	w.listener.Close()
	w.Sever(true)
}

func (w *Wire) accept() {
	for {
		in, err := w.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", w.to)
		if err != nil || !w.add(in, out) {
			in.Close()
			continue
		}
		go pump(in, out)
		go pump(out, in)
	}
}

func pump(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

func (w *Wire) add(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		if w.cut {
			c.Close()
		}
		w.conns[c] = true
	}
	return !w.cut
}

// Sever cuts the wire, or mends it.
func (w *Wire) Sever(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			c.Close()
		}
		clear(w.conns)
	}
}
