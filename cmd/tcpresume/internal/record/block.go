// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// block is a run of whole lines on its way through the pipeline.
type block struct {
	line   int // number of the first
	text   []byte
	done   chan struct{}
	paths  []resume.Path
	result Result
	err    error
}

func (b *block) decode(ruleOf func(netip.Addr) pathstore.Rule, opts Options) {
	const shortLine = 128
	b.paths = make([]resume.Path, 0, len(b.text)/shortLine+1)
	line := b.line - 1
	for text := range bytes.Lines(b.text) {
		line++
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		err := b.add(text, ruleOf, opts)
		if err == nil {
			continue
		}
		err = &LineError{line, err}
		if !opts.SkipBad {
			b.err = err
			return
		}
		if b.result.Skipped++; b.result.FirstBad == nil {
			b.result.FirstBad = err
		}
	}
}

func (b *block) add(text []byte, ruleOf func(netip.Addr) pathstore.Rule, opts Options) error {
	r, err := Decode(text)
	if err != nil {
		return err
	}
	path := r.Path()
	rule := ruleOf(path.Peer)
	clamped := opts.ClampTTL && path.TTL > rule.Policy.Lifetime
	if clamped {
		path.TTL = rule.Policy.Lifetime
	}
	if err := Check(rule, path); err != nil {
		return err
	}
	switch {
	case r.Expired():
		b.result.Expired++
		return nil
	case clamped:
		b.result.Clamped++
	}
	b.paths = append(b.paths, path)
	return nil
}

// writer gathers the blocks into chunks for the store.
type writer struct {
	to      Sink
	opts    Options
	pending []resume.Path
	read    int
	result  Result
}

func (w *writer) take(b *block) error {
	w.pending = append(w.pending, b.paths...)
	w.read += len(b.text)
	w.result.Skipped += b.result.Skipped
	w.result.Expired += b.result.Expired
	w.result.Clamped += b.result.Clamped
	if w.result.FirstBad == nil {
		w.result.FirstBad = b.result.FirstBad
	}
	if len(w.pending) < chunk && b.err == nil {
		return nil
	}
	return w.flush(b.err)
}

// flush stores what is pending; cause is why loading ends, if it does.
func (w *writer) flush(cause error) error {
	n, err := w.to.PutAll(w.pending)
	w.pending = w.pending[:0]
	w.result.Stored += n
	if w.opts.Progress != nil {
		w.opts.Progress(w.read, w.result.Stored)
	}
	if err != nil {
		return err
	}
	return cause
}
