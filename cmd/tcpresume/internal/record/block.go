// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"

	"github.com/tcpresume/tcpresume/internal/jsonline"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// block is a run of whole lines on its way through the pipeline.
type block struct {
	line   int // number of the first
	text   []byte
	bytes  int   // of the stream, which are more than the text where a line is too long
	long   error // the block is one line, which is too long
	done   chan struct{}
	paths  []resume.Path
	result Result
	err    error
}

func (b *block) decode(ruleOf RuleOf, opts Options) {
	const shortLine = 128
	b.paths = make([]resume.Path, 0, len(b.text)/shortLine+1)
	if b.long != nil {
		b.bad(b.line, b.long, opts)
		return
	}
	line := b.line - 1
	for text := range bytes.Lines(b.text) {
		line++
		if text = jsonline.Trim(text); len(text) == 0 {
			continue
		}
		if err := b.add(text, ruleOf, opts); err != nil && !b.bad(line, err, opts) {
			return
		}
	}
}

// bad takes note of a bad line and reports whether to go on.
func (b *block) bad(line int, err error, opts Options) bool {
	err = &LineError{line, err}
	if !opts.SkipBad {
		b.err = err
		return false
	}
	if b.result.Skipped++; b.result.FirstBad == nil {
		b.result.FirstBad = err
	}
	return true
}

func (b *block) add(text []byte, ruleOf RuleOf, opts Options) error {
	r, err := Decode(text)
	if err != nil {
		return err
	}
	path := r.Path()
	rule := ruleOf(path.Peer, path.Scope)
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
	w.read += b.bytes
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
