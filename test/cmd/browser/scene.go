// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/browser"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// scene is a way in which HTTP/3 ends.
type scene struct {
	name string
	end  func(ctx context.Context, w *browser.World) error
	// wait is how long the server is busy with the request before it answers.
	wait time.Duration
}

var scenes = []scene{
	{name: "UDP lost without a word", end: func(ctx context.Context, w *browser.World) error {
		return browser.CutUDP(ctx, w.Lab.Client, w.Lab.Server)
	}},
	{name: "CONNECTION_CLOSE while a request waits", wait: 2 * time.Second, end: func(ctx context.Context, w *browser.World) error {
		time.AfterFunc(time.Second, func() { _ = w.EndHTTP3() }) // the request is on its way then
		return nil
	}},
}

// run is one fallback.
type run struct {
	scene    scene
	with     bool // tcpresume
	got      browser.Fetched
	saved    resume.Bytes  // what the connection resumed from
	farewell time.Duration // from the last QUIC packet to the SYN-ACK of the fallback, where the server says farewell
	events   []string
}

// warm is what the page loads over HTTP/3 before.
const warm = 8_000_000

func play(ctx context.Context, r *rig.Rig, scene scene, s setting, cgroup *lab.Cgroup) (one run, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	one = run{scene: scene, with: cgroup != nil}
	if _, err := r.Store.Flush(); err != nil {
		return one, err
	}
	opts := s.Options
	opts.Cgroup = cgroup
	w, err := browser.NewWorld(ctx, opts)
	if err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	events, err := example.Watch(ctx, w.Lab.Client.IPv4)
	if err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, events.Close()) }()
	if visited, err := w.Visit(ctx, warm); err != nil || visited.Protocol != "h3" {
		return one, errors.Join(fmt.Errorf("the visit used %q", visited.Protocol), err)
	}
	for { // the sweep of the server's connections passes once a second
		if _, err = r.Store.Get(w.Lab.Client.IPv4, 0); err == nil {
			break
		}
		if ctx.Err() != nil {
			return one, fmt.Errorf("no report was stored: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	clock := captureFarewell(w.Lab)
	if err := scene.end(ctx, w); err != nil {
		return one, err
	}
	one.got, err = w.Browser.Fetch(ctx, w.Site.URL(fmt.Sprintf("/bytes/%d?wait=%v", s.bytes, scene.wait)))
	if err == nil && (one.got.Bytes != s.bytes || one.got.Protocol != "h2") {
		err = fmt.Errorf("%d bytes came over %s", one.got.Bytes, one.got.Protocol)
	}
	time.Sleep(2 * time.Second) // the server closes the connection, which is the last event
	one.events = events.Record()
	if since := clock(); scene.wait > 0 {
		one.farewell = since
	}
	for _, e := range events.Kernel("resumed") {
		one.saved = e.SavedCwnd
	}
	if one.with && one.saved == 0 && err == nil {
		err = errors.New("no connection resumed")
	}
	return one, err
}

// captureFarewell measures, where the server's packets leave, from the last one
// of QUIC to the first SYN-ACK behind it.
func captureFarewell(l *lab.Lab) (stop func() time.Duration) {
	var mu sync.Mutex
	var quic, answer time.Duration
	l.Capture(func(p lab.Packet) {
		mu.Lock()
		defer mu.Unlock()
		const synAck = 0x12
		switch {
		case !p.TCP && p.IPVersion == 4 && p.Raw[9] == unix.IPPROTO_UDP && answer == 0:
			quic = p.At
		case p.TCP && p.Flags&synAck == synAck && answer == 0:
			answer = p.At
		}
	})
	return func() time.Duration {
		l.Capture(nil)
		mu.Lock()
		defer mu.Unlock()
		return answer - quic
	}
}
