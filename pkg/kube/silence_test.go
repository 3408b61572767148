// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"io"
	"net"
	"net/url"
	"reflect"
	"sync/atomic"
	"testing"
	"time"
)

// silent passes connections on until it is told to swallow everything, as a
// node does that lost its power: no reset, no end.
type silent struct {
	net.Listener
	swallow atomic.Bool
}

func (s *silent) run(to string) {
	for {
		in, err := s.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			in.Close()
			return
		}
		dead := s.swallow.Load
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			go func() {
				defer way[1].Close()
				buffer := make([]byte, 4096)
				for {
					n, err := way[0].Read(buffer)
					if err != nil && err != io.EOF || n == 0 {
						return
					}
					if !dead() {
						_, _ = way[1].Write(buffer[:n])
					}
				}
			}()
		}
	}
}

func TestAServerThatFallsSilentIsLeft(t *testing.T) {
	s := serve(t, list("10", app("a", "9", "LoadSuccess", 1)),
		events(true, change("MODIFIED", app("a", "11", "LoadSuccess", 2))),
		events(true, change("MODIFIED", app("a", "12", "LoadSuccess", 3))))
	at, _ := url.Parse(s.URL)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	between := &silent{Listener: listener}
	go between.run(at.Host)
	t.Cleanup(func() { listener.Close() })

	client := s.client()
	client.timing.watch = time.Hour // only the ping can tell
	client.config.server.Host = listener.Addr().String()
	states := client.Follow(t.Context(), target, func(error) { between.swallow.Store(false) })
	asks(t, s, "list", "10")
	for state := range states {
		if reflect.DeepEqual(state, loaded("a", 2)) {
			break // the watch is open, not only asked for
		}
	}
	between.swallow.Store(true)
	asks(t, s, "11") // by a new connection, after the ping was not answered
	expect(t, states, loaded("a", 3))
}
