// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// devtools speaks Chromium's DevTools protocol over a pair of pipes: messages
// of JSON that end with a zero byte.
type devtools struct {
	to      *os.File
	session string

	mu      sync.Mutex
	latest  int
	waiting map[int]chan answer
	failed  error
}

type request struct {
	ID      int    `json:"id"`
	Session string `json:"sessionId,omitempty"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

type answer struct {
	ID     int             `json:"id"` // 0: an event, which nobody waits for
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

func newDevtools(to, from *os.File) *devtools {
	d := &devtools{to: to, waiting: make(map[int]chan answer)}
	go d.read(from)
	return d
}

func (d *devtools) read(from io.Reader) {
	messages := bufio.NewReader(from)
	for {
		text, err := messages.ReadBytes(0)
		if err != nil {
			d.fail(fmt.Errorf("browser ended: %w", err))
			return
		}
		var a answer
		if err := json.Unmarshal(text[:len(text)-1], &a); err != nil {
			d.fail(fmt.Errorf("message of the browser: %w", err))
			return
		}
		d.mu.Lock()
		if waiter, ok := d.waiting[a.ID]; ok {
			waiter <- a
			delete(d.waiting, a.ID)
		}
		d.mu.Unlock()
	}
}

func (d *devtools) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failed = err
	for _, waiter := range d.waiting {
		close(waiter)
	}
	d.waiting = nil
}

// call sends one command and stores its result unless into is nil.
func (d *devtools) call(ctx context.Context, method string, params, into any) error {
	waiter := make(chan answer, 1)
	if err := d.send(method, params, waiter); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, context.Cause(ctx))
	case a, ok := <-waiter:
		switch {
		case !ok:
			return fmt.Errorf("%s: %w", method, d.failed)
		case a.Error != nil:
			return fmt.Errorf("%s: %w", method, errors.New(a.Error.Message))
		case into == nil:
			return nil
		}
		return json.Unmarshal(a.Result, into)
	}
}

func (d *devtools) send(method string, params any, waiter chan answer) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return d.failed
	}
	d.latest++
	text, err := json.Marshal(request{ID: d.latest, Session: d.session, Method: method, Params: params})
	if err != nil {
		return err
	}
	d.waiting[d.latest] = waiter
	_, err = d.to.Write(append(text, 0))
	return err
}

// open makes a page and talks to it from then on.
func (d *devtools) open(ctx context.Context) error {
	var target struct {
		ID string `json:"targetId"`
	}
	if err := d.call(ctx, "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct {
		Session string `json:"sessionId"`
	}
	if err := d.call(ctx, "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &attached); err != nil {
		return err
	}
	d.session = attached.Session
	return nil
}

// evaluate runs a JavaScript expression in the page, waits for its promise, and
// stores its value.
func (d *devtools) evaluate(ctx context.Context, expression string, into any) error {
	var result struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text   string `json:"text"`
			Thrown struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	params := map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}
	if err := d.call(ctx, "Runtime.evaluate", params, &result); err != nil {
		return err
	}
	if e := result.Exception; e != nil {
		return fmt.Errorf("the page threw: %s %s", e.Text, e.Thrown.Description)
	}
	return json.Unmarshal(result.Result.Value, into)
}
