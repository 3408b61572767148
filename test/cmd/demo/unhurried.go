// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// slowdowns are tried in turn. Each path holds the same bytes as the one before
// it and takes a longer time for everything, so that what the machine is late by
// weighs less. The slowest stays below the second after which TCP sends a SYN
// again.
var slowdowns = []int{1, 2, 4, 8}

// triesPerPath are few: the next path is the better remedy.
const triesPerPath = 2

// longPath has a queue that an unpaced window overruns.
func longPath(slower int) lab.Path {
	path := lab.Path{RTT: 100 * time.Millisecond * time.Duration(slower), Rate: 100e6 / uint64(slower)}
	path.Queue = path.BDP() / 4
	return path
}

// unhurried measures on ever slower paths until the machine is not too busy for
// one; on the last, the measurement has to tolerate what it meets.
func unhurried(to io.Writer, measure func(slower int, last bool) (*story, error)) (*story, error) {
	for i, slower := range slowdowns {
		last := i == len(slowdowns)-1
		s, err := measure(slower, last)
		if last || !errors.Is(err, lab.ErrBusy) {
			return s, err
		}
		fmt.Fprintf(to, "   %v.\n   Once more, on a path that is %d times as slow.\n\n", err, slowdowns[i+1])
	}
	return nil, errors.New("no path to measure on")
}

// slowed is empty for the path that the demo is about.
func (s *story) slowed() string {
	if s.slower == 1 {
		return ""
	}
	path := longPath(1)
	return fmt.Sprintf(", %d times as slow as %s and %s, for which this machine was too busy",
		s.slower, milliseconds(path.RTT), megabits(path.Rate))
}

// exactness tells in one sentence or two how late the emulated path was in the
// worst of the trials.
func (s *story) exactness() []string {
	worst := s.trials[0].Link
	for _, t := range s.trials[1:] {
		if worst.Disturbance().Less(t.Link.Disturbance()) {
			worst = t.Link
		}
	}
	said := []string{"Emulated on this machine: " + worst.Disturbance().Says() + "."}
	if worst.Undisturbed() != nil {
		said = append(said, "This is tolerated, since the machine was too busy for the slowest path, too.")
	}
	return said
}
