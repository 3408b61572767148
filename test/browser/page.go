// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Fetched is one request of the page, as the browser's Resource Timing tells it.
type Fetched struct {
	Bytes    int
	Protocol string // "h2", "h3"
	// Connect is when the connection that brought the response was begun, 0 for
	// one that was there already; all times are since the request was made.
	Connect, Request, FirstByte, LastByte time.Duration
	Whole                                 time.Duration
}

// FromConnect is the time from the first packet of the connection, or where it
// was there already from the request, to the last byte.
func (f Fetched) FromConnect() time.Duration {
	if f.Connect > 0 {
		return f.LastByte - f.Connect
	}
	return f.LastByte - f.Request
}

const fetchScript = `(async url => {
	performance.clearResourceTimings();
	const start = performance.now();
	const response = await fetch(url, {cache: "no-store"});
	const bytes = (await response.arrayBuffer()).byteLength;
	const whole = performance.now() - start;
	let t;
	while (!(t = performance.getEntriesByName(url).at(-1))) await new Promise(done => setTimeout(done, 5));
	return {bytes, whole, protocol: t.nextHopProtocol, start: t.startTime, connect: t.secureConnectionStart ? t.connectStart : 0,
		fresh: t.connectEnd > t.connectStart, request: t.requestStart, first: t.responseStart, last: t.responseEnd};
})(%s)`

// Load opens a URL in the page.
func (c *Chromium) Load(ctx context.Context, url string) error {
	var navigated struct {
		Error string `json:"errorText"`
	}
	if err := c.page.call(ctx, "Page.navigate", map[string]any{"url": url}, &navigated); err != nil {
		return err
	}
	if navigated.Error != "" {
		return fmt.Errorf("load %s: %s", url, navigated.Error)
	}
	for {
		var loaded bool
		err := c.page.evaluate(ctx, `location.href !== "about:blank" && document.readyState === "complete"`, &loaded)
		if loaded || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Fetch requests a URL of the site from the page and waits for the last byte.
func (c *Chromium) Fetch(ctx context.Context, url string) (Fetched, error) {
	quoted, err := json.Marshal(url)
	if err != nil {
		return Fetched{}, err
	}
	var raw struct {
		Bytes                                       int
		Protocol                                    string
		Fresh                                       bool
		Whole, Start, Connect, Request, First, Last float64
	}
	if err := c.page.evaluate(ctx, fmt.Sprintf(fetchScript, quoted), &raw); err != nil {
		return Fetched{}, fmt.Errorf("fetch %s: %w", url, err)
	}
	since := func(at float64) time.Duration { return time.Duration((at - raw.Start) * float64(time.Millisecond)) }
	f := Fetched{
		Bytes: raw.Bytes, Protocol: raw.Protocol, Request: since(raw.Request), FirstByte: since(raw.First), LastByte: since(raw.Last),
		Whole: time.Duration(raw.Whole * float64(time.Millisecond)),
	}
	if raw.Fresh {
		f.Connect = since(raw.Connect)
	}
	return f, nil
}
