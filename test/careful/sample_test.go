// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// sample is what TCP_INFO said at some time from..to.
type sample struct {
	from, to time.Time
	unix.TCPInfo
}

// sampled sends and reads TCP_INFO about every half millisecond meanwhile.
func sampled(t testing.TB, p *scene.Pair, size int) (all []sample) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			case <-time.After(500 * time.Microsecond):
			}
			from := time.Now()
			seen, err := lab.TCPInfo(p.Server)
			if err != nil {
				done <- err
				return
			}
			all = append(all, sample{from, time.Now(), seen})
		}
	}()
	p.Send(t, size)
	close(stop)
	check.Must(t, <-done)
	return all
}
