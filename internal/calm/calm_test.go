// SPDX-License-Identifier: Apache-2.0

package calm

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// However many lines come and by what turns, few are written, and the last one
// is the latest.
func TestAFloodIsAFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written []string
		l := New(func(line string) { written = append(written, line) }, 3, time.Minute)
		for i := range 3600 {
			l.Printf("server %d is away", i%3)
			time.Sleep(time.Second)
		}
		l.Printf("all is well")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		last := written[len(written)-1]
		if len(written) < 50 || len(written) > 65 || !strings.HasPrefix(last, "all is well (and ") {
			t.Errorf("%d lines in an hour, the last %q", len(written), last)
		}
		l.Printf("all is well")
		l.Drop()
		time.Sleep(time.Hour)
		written = nil
		l.Printf("line 0")
		l.Printf("line 1")
		l.Drop()
		l.Printf("line 1")
		if got := fmt.Sprint(written); got != "[line 0 line 1 line 1]" {
			t.Errorf("after a quiet time: %s", got)
		}
	})
}
