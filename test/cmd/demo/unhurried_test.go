// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// measured is a story as a machine tells it that delivers so many of 700 packets
// more than two fiftieths of the round trip late.
func measured(slower int, late uint64) *story {
	s := &story{path: longPath(slower), slower: slower}
	for _, mode := range bench.Modes {
		t := bench.Trial{Mode: mode}
		t.Elapsed = time.Second
		t.Samples = []lab.Sample{{At: time.Second, Cwnd: 10, Delivered: response}}
		t.Link.Tolerance = 2 * time.Millisecond * time.Duration(slower)
		t.Link.ToClient.Packets = 700
		for i := 0; t.Link.ToClient.Late.Over(t.Link.Tolerance) < late; i++ {
			t.Link.ToClient.Late[i] = late
		}
		s.trials = append(s.trials, t)
	}
	return s
}

func TestDemoSlowsDownUntilTheMachineFollows(t *testing.T) {
	for name, c := range map[string]struct {
		late   []uint64 // on each path, of 700
		slower int
	}{
		"quiet":     {[]uint64{3}, 1},
		"busy once": {[]uint64{90, 3}, 2},
		"very busy": {[]uint64{90, 90, 90, 3}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			var told bytes.Buffer
			tries := 0
			s, err := unhurried(&told, func(slower int, last bool) (*story, error) {
				s := measured(slower, c.late[tries])
				tries++
				return s, s.trials[0].Judge(nil)
			})
			check.Must(t, err)
			check.Same(t, "times as slow", s.slower, c.slower)
			check.Same(t, "tries", tries, len(c.late))
			check.Same(t, "paths announced", strings.Count(told.String(), "Once more"), tries-1)
			if s.slower > 1 != strings.Contains(s.slowed(), fmt.Sprintf("%d times as slow as 100 ms and 100 Mbit/s", s.slower)) {
				t.Errorf("says of the path only %q", s.slowed())
			}
		})
	}
}

// TestDemoEndsOnAMachineThatIsAlwaysBusy holds the table and both pictures to say
// on which path they were measured and what was tolerated.
func TestDemoEndsOnAMachineThatIsAlwaysBusy(t *testing.T) {
	var paths []int
	s, err := unhurried(io.Discard, func(slower int, last bool) (*story, error) {
		paths = append(paths, slower)
		s := measured(slower, 90)
		if last {
			return s, nil
		}
		return s, s.trials[0].Judge(nil)
	})
	check.Must(t, err)
	check.Same(t, "paths", paths, slowdowns)
	dir := t.TempDir()
	s.picture, err = s.draw(dir)
	check.Must(t, err)
	picture, err := os.ReadFile(s.picture)
	check.Must(t, err)
	var told bytes.Buffer
	s.conclude(&told)
	for where, text := range map[string]string{"picture": string(picture), "table": told.String()} {
		for _, want := range []string{"800 ms", "12.5 Mbit/s", "90 of 700 packets came more than 16ms late", "tolerated"} {
			if !strings.Contains(text, want) {
				t.Errorf("the %s does not say %q", where, want)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "demo.png")); err != nil {
		t.Error(err)
	}
}

func TestOtherFaultsEndTheDemoAtOnce(t *testing.T) {
	tries := 0
	_, err := unhurried(io.Discard, func(int, bool) (*story, error) {
		tries++
		return nil, io.ErrUnexpectedEOF
	})
	if err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
	check.Same(t, "tries", tries, 1)
}

func TestSlowerPathsHoldTheSameBytes(t *testing.T) {
	for _, slower := range slowdowns {
		check.Same(t, fmt.Sprintf("BDP, %d times as slow", slower), longPath(slower).BDP(), longPath(1).BDP())
		check.Same(t, fmt.Sprintf("queue, %d times as slow", slower), longPath(slower).Queue, longPath(1).Queue)
	}
	if slowest := longPath(slices.Max(slowdowns)).RTT; slowest >= time.Second {
		t.Errorf("a round trip of %v has the SYN sent again", slowest)
	}
}
