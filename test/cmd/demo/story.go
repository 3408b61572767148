// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	response = 1_000_000
	cc       = "cubic"
)

// story is what has been measured on one path.
type story struct {
	path    lab.Path
	slower  int // how many times as slow as the path that the demo is about
	window  bench.Window
	trials  []bench.Trial
	picture string
}

func tell(ctx context.Context, to io.Writer, r *rig.Rig, opts options) (*story, error) {
	if _, err := os.Stat(opts.cli); err != nil {
		fmt.Fprintf(to, "There is no program %s (\"make build\" makes it): the demo stores the path without it.\n\n", opts.cli)
		opts.cli = ""
	}
	fmt.Fprintf(to, "A client far away asks a server for %s.\n\n", megabytes(response))
	s, err := unhurried(to, func(slower int, last bool) (*story, error) {
		bed, err := bench.NewBed(r, longPath(slower))
		if err != nil {
			return nil, err
		}
		bed.CLI, bed.Tries = opts.cli, triesPerPath
		s := &story{path: bed.Lab.Path(), slower: slower, window: bed.BDP()}
		s.introduce(to, r)
		return s, errors.Join(s.measure(ctx, to, bed, last), bed.Close())
	})
	if err != nil {
		return nil, err
	}
	if s.picture, err = s.draw(opts.out); err != nil {
		return nil, err
	}
	s.conclude(to)
	return s, nil
}

func (s *story) introduce(to io.Writer, r *rig.Rig) {
	fmt.Fprintf(to, "  path      %s round trip, %s, a queue of %d kB (0.25 BDP), emulated on this machine\n",
		milliseconds(s.path.RTT), megabits(s.path.Rate), s.path.Queue/1000)
	fmt.Fprintf(to, "  window    %d bytes (1 BDP) is what the path holds; CUBIC\n", s.window.Cwnd)
	fmt.Fprintf(to, "  ideal     %s for a server that knows the path: 2 round trips and the bytes at full rate\n",
		milliseconds(s.path.Ideal(response)))
	fmt.Fprintf(to, "  tcpresume program %d on a cgroup of its own, gone when the demo ends\n\n", r.State.Program.ID)
}

// measure stops at the first mode that the machine disturbed, unless it is to
// tolerate that.
func (s *story) measure(ctx context.Context, to io.Writer, bed *bench.Bed, tolerate bool) error {
	for i, mode := range bench.Modes {
		fmt.Fprintf(to, "%d. %s: %s\n", i+1, mode.Name, mode.Says)
		trial, err := bed.Run(ctx, mode, bench.Transfer{CC: cc, Bytes: response})
		if err != nil && !(tolerate && lab.Whole(err)) {
			return err
		}
		if trial.Command != "" {
			fmt.Fprintf(to, "   $ %s\n", trial.Command)
		}
		fmt.Fprintf(to, "   %s\n\n", s.sentence(trial))
		s.trials = append(s.trials, trial)
	}
	return nil
}

func (s *story) sentence(t bench.Trial) string {
	first := t.Samples[0]
	text := fmt.Sprintf("cwnd starts at %d; %d segments leave %s", first.Cwnd, len(t.Flight), s.spread(t.Flight.Lasted()))
	if jumped := t.Mode.Resumed && len(t.Second) > 4*len(t.Flight); jumped {
		text += fmt.Sprintf(", then %d %s", len(t.Second), s.spread(t.Second.Lasted()))
	}
	if drops := t.Link.ToClient.QueueDrops; drops > 0 {
		text += fmt.Sprintf(", the queue drops %d", drops)
	}
	return text + fmt.Sprintf("; done after %s", milliseconds(t.Elapsed))
}

func (s *story) spread(d time.Duration) string {
	if d < s.path.RTT/20 {
		return "in one burst"
	}
	return "spread over " + milliseconds(d)
}

func (s *story) conclude(to io.Writer) {
	fmt.Fprintf(to, "%s, %s%s:\n\n", milliseconds(s.path.RTT), megabits(s.path.Rate), s.slowed())
	s.writeTable(to)
	fmt.Fprintf(to, "\n%s\n", strings.Join(s.exactness(), " "))
	cold := s.trials[0]
	for _, t := range s.trials {
		if t.Mode.Resumed {
			fmt.Fprintf(to, "%s is %.1f times as fast as %s, at a measured RTT of %.1f ms.\n", t.Mode.Name,
				cold.Elapsed.Seconds()/t.Elapsed.Seconds(), cold.Mode.Name, float64(t.Final.Min_rtt)/1000)
		}
	}
	fmt.Fprintln(to, "The client's receive window was large; a stock client's takes a part of the gain (docs/bench.md).")
	fmt.Fprintf(to, "Windows and bytes over time: %s\n", s.picture)
}

func megabytes(bytes int) string { return fmt.Sprintf("%g MB", float64(bytes)/1e6) }

func megabits(rate uint64) string { return fmt.Sprintf("%g Mbit/s", float64(rate)/1e6) }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
}

func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
