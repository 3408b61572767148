// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const learntMethod = "No application reports anything. At 100 ms and 100 Mbit/s, queue 1 BDP, CUBIC, a client that nobody knows fetches 10 MB; " +
	"when that connection closes, the kernel saves what it delivered in its best round trip. " +
	"The client's next connection fetches 1 MB, in mode *careful*. Both have a first exchange of 4 kB, as TLS does; beside them, 1 MB cold."

const teaching, taught = 10_000_000, 1_000_000

const lessonTries = 4

// lesson is one client's two connections, and a cold one.
type lesson struct {
	first, second, cold lab.Result
	saved               pathstore.Entry
}

func learnt(ctx context.Context, opts options) (_ section, err error) {
	s := section{title: "What one connection teaches the next", method: learntMethod}
	r, err := bench.Load(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	var lessons []lesson
	for range opts.repeats {
		one, _, err := lab.Again(lessonTries, func() (lesson, error) { return teach(ctx, r) })
		if err := opts.book.Tolerate(err); err != nil {
			return s, err
		}
		opts.book.AddTime(one.first.Elapsed, "learnt", "first", figures.Size(teaching))
		opts.book.AddTime(one.second.Elapsed, "learnt", "second", figures.Size(taught))
		opts.book.AddTime(one.cold.Elapsed, "learnt", "cold", figures.Size(taught))
		lessons = append(lessons, one)
	}
	m := middle(lessons, func(l lesson) time.Duration { return l.second.Elapsed })
	t := table{head: []string{"connection", "response", "time", "x ideal", "retransmits"}}
	row := func(name string, bytes int, r lab.Result) {
		t.rows = append(t.rows, []string{name, figures.Size(bytes), milliseconds(inMilliseconds(r.Elapsed)), fmt.Sprintf("%.2f", r.Ratio), fmt.Sprint(r.Retransmits)})
	}
	row("first, cold; it teaches "+grouped(uint64(m.saved.Cwnd))+" bytes", teaching, m.first)
	row("second, from that", taught, m.second)
	row("cold", taught, m.cold)
	s.tables = []table{t}
	return s, nil
}

func teach(ctx context.Context, r *rig.Rig) (one lesson, err error) {
	var disturbed error
	l, err := lab.New(lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6})
	if err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if _, err := r.Store.Flush(); err != nil {
		return one, err
	}
	fetch := func(bytes int, server *lab.Cgroup) (lab.Result, error) {
		result, err := l.Fetch(ctx, lab.ListenSpec{Network: "tcp4", CC: "cubic", Cgroup: server},
			lab.Fetch{Bytes: bytes, Before: tlsFlight, SampleEvery: -1})
		if err = result.Judge(err); !lab.Whole(err) {
			return result, err
		}
		disturbed = cmp.Or(disturbed, err)
		return result, nil
	}
	if one.cold, err = fetch(taught, nil); err != nil {
		return one, err
	}
	if one.first, err = fetch(teaching, r.Cgroup); err != nil {
		return one, err
	}
	for range 100 { // the server's end closes when the client's FIN has arrived
		if one.saved, err = r.Store.Get(l.Client.IPv4, 0); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return one, fmt.Errorf("the first connection taught nothing: %w", err)
	}
	if one.saved.Source != resume.SourceLearnt {
		return one, fmt.Errorf("the entry is of source %s", one.saved.Source)
	}
	if one.second, err = fetch(taught, r.Cgroup); err != nil {
		return one, err
	}
	return one, disturbed
}
