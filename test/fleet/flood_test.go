// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

// Servers that fail each in its own way, by turns, fill no log.
func TestServersThatAreAwayFillNoLog(t *testing.T) {
	mute, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and ends each at once
	check.Must(t, err)
	t.Cleanup(func() { mute.Close() })
	tries := make(chan struct{}, 1000)
	go func() {
		for {
			c, err := mute.Accept()
			if err != nil {
				return
			}
			c.Close()
			tries <- struct{}{}
		}
	}()
	c := fleet.DefaultConfig()
	c.URL, c.Name = "nats://127.0.0.1:1,nats://127.0.0.1:2,nats://"+mute.Addr().String()+",nats://127.0.0.1:3", "one"
	m := join(t, c)
	for range 8 { // rounds over all servers, each with several errors
		<-tries
	}
	if lines := m.log.said(); len(lines) > 5 || len(lines) == 0 || !strings.Contains(lines[0], "alone") {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
	if s := m.Status(); s.State != fleet.StateAlone || s.Error == "" {
		t.Errorf("state %s, %q", s.State, s.Error)
	}
}
