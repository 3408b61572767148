// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestBlackHole(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	w, err := NewWorld(ctx, Options{Path: lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}, Cgroup: loaded.Cgroup})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	go loaded.Store.Watch(ctx, func(e pathstore.Event) error { t.Logf("%+v", e); return nil })
	f, err := w.Visit(ctx, 8_000_000)
	t.Logf("%+v %v", f, err)
	time.Sleep(time.Second)
	t.Log(loaded.Store.Get(w.Lab.Client.IPv4, 0))
	if err := w.CutUDP(ctx); err != nil {
		t.Fatal(err)
	}
	f, err = w.Fetch(ctx, 1_000_000)
	t.Logf("%+v %v", f, err)
	t.Log(f.FromConnect())
	time.Sleep(time.Second)
	c, _ := loaded.Counters()
	t.Log(c)
	t.Log(w.server.Output())
}
