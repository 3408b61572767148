// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"runtime"

	"github.com/tcpresume/tcpresume/internal/jsonline"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	blockSize = 1 << 20  // what one decoder takes at a time; no line may be longer
	chunk     = 64 << 10 // paths per PutAll
)

// Sink takes paths, as a pathstore.Store does.
type Sink interface {
	PutAll(paths []resume.Path) (int, error)
}

// RuleOf returns the policy under which a key is stored.
type RuleOf = func(peer netip.Addr, scope uint64) pathstore.Rule

// Options of Load.
type Options struct {
	ClampTTL bool                    // shorten what the policy would refuse
	SkipBad  bool                    // go on after a bad line
	Progress func(bytes, stored int) // called after each block; may be nil
}

// Result counts what became of the lines.
type Result struct {
	Stored   int   `json:"stored"`
	Skipped  int   `json:"skipped"` // bad lines
	Expired  int   `json:"expired"` // lines without lifetime left
	Clamped  int   `json:"clamped"`
	FirstBad error `json:"-"`
}

// LineError is a bad line.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Load stores every line of a stream. Blocks are decoded in parallel and stored
// in the order of the stream, so that the last of several lines about one peer
// wins, and a bad line ends with exactly the lines before it in place.
func Load(ctx context.Context, from io.Reader, to Sink, ruleOf RuleOf, opts Options) (Result, error) {
	return loadBlocks(ctx, blockSize, from, to, ruleOf, opts)
}

func loadBlocks(ctx context.Context, size int, from io.Reader, to Sink, ruleOf RuleOf, opts Options) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *block, workers)
	ordered := make(chan *block, 2*workers) // bounds what is decoded ahead of the store
	for range workers {
		go func() {
			for b := range work {
				b.decode(ruleOf, opts)
				close(b.done)
			}
		}()
	}
	failed := make(chan error, 1)
	go func() { // not waited for: a read from a terminal cannot be interrupted
		defer close(ordered)
		defer close(work)
		failed <- readBlocks(ctx, size, from, opts.SkipBad, ordered, work)
	}()
	w := writer{to: to, opts: opts}
	for {
		select {
		case <-ctx.Done():
			return w.result, w.flush(ctx.Err())
		case b, more := <-ordered:
			if !more {
				return w.result, w.flush(<-failed)
			}
			<-b.done
			if err := w.take(b); err != nil {
				return w.result, err
			}
		}
	}
}

// readBlocks cuts the stream behind whole lines. A line that is longer than a
// block is one by itself, and the last if bad lines are not skipped.
func readBlocks(ctx context.Context, size int, from io.Reader, skipBad bool, to ...chan<- *block) error {
	var rest []byte
	for line := 1; ; {
		text := make([]byte, size)
		kept := copy(text, rest)
		n, err := io.ReadFull(from, text[kept:])
		text = text[:kept+n]
		end := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !end {
			return err
		}
		b := &block{line: line, text: text, bytes: len(text), done: make(chan struct{})}
		switch cut := bytes.LastIndexByte(text, '\n') + 1; {
		case end:
		case cut > 0:
			b.text, b.bytes, rest = text[:cut], cut, text[cut:]
		default:
			b.text, b.long = nil, fmt.Errorf("%q goes on for more than %d bytes: give one JSON object per line", jsonline.Clip(text), size)
			if end = !skipBad; skipBad {
				if rest, end, err = skipLine(from, text, b); err != nil {
					return err
				}
				line++
			}
		}
		line += bytes.Count(b.text, []byte{'\n'})
		for _, c := range to {
			select {
			case c <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if end {
			return nil
		}
	}
}

// skipLine reads to the end of a line by a buffer that is free, and returns what it read of the next one.
func skipLine(from io.Reader, buffer []byte, b *block) (rest []byte, end bool, err error) {
	for {
		n, err := from.Read(buffer)
		if cut := bytes.IndexByte(buffer[:n], '\n') + 1; cut > 0 {
			b.bytes += cut
			return buffer[cut:n], false, nil
		}
		if b.bytes += n; err != nil {
			if err == io.EOF {
				return nil, true, nil
			}
			return nil, true, err
		}
	}
}
