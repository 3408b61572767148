// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/balance"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const response = 1_000_000

var path = lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}

// balanceWord makes this program the part that loads tcpresume: with how many
// transfers, in a mount namespace of its own.
const balanceWord = "balance-isolated"

// measureBalance takes the time of a response that the other server gives.
func measureBalance(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tcpresume-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	values := filepath.Join(dir, "balance.json")
	cmd := exec.CommandContext(ctx, "/proc/self/exe", balanceWord, strconv.Itoa(o.runs), values)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = o.book, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return o.book.Include(values)
}

func balanceIsolated(runs, values string) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o := options{book: figures.File("balance", values)}
	o.runs, _ = strconv.Atoi(runs)
	rig.Isolate(func() int {
		loaded, err := rig.New(ctx)
		if err == nil {
			err = errors.Join(o.balanced(ctx, loaded), loaded.Close(), o.book.Save())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	})
}

func (o options) balanced(ctx context.Context, loaded *rig.Rig) (err error) {
	s, err := balance.New(ctx, loaded, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o.head("fleet", "reported on", "landed on", "1 MB, median", "fastest", "slowest", "of them resumed and jumped", "claims that reached the reporter", "until then, median", "at most")
	for _, shared := range []bool{false, true} {
		if shared {
			for _, one := range s.Servers {
				part, err := one.Join(ctx)
				if err != nil {
					return err
				}
				if err := until(patience, func() bool { return part.Status().State == fleet.StateLive }); err != nil {
					return err
				}
			}
		}
		if err := o.transfers(ctx, s, loaded, shared); err != nil {
			return err
		}
	}
	return nil
}

func (o options) transfers(ctx context.Context, s *balance.Site, loaded *rig.Rig, shared bool) error {
	reporter, other := s.Servers[0], s.Servers[1]
	var took, claims []time.Duration
	before, err := loaded.Counters()
	if err != nil {
		return err
	}
	peer := s.Client.IPv4
	for range o.runs {
		if _, err := loaded.Store.Flush(); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond) // a report of the same moment as a deletion would be older
		if err := reporter.Report(ctx, peer, uint64(path.BDP()), path); err != nil {
			return err
		}
		if err := until(patience, func() bool { return !shared || free(other, s) }); err != nil {
			return fmt.Errorf("the entry on the other server: %w", err)
		}
		transfer, err := s.Connect(ctx, other, false)
		if err != nil {
			return err
		}
		claimed := make(chan time.Duration, 1)
		go func() { claimed <- claimLag(reporter, other, s) }()
		d, err := transfer.Fetch(response)
		if err != nil {
			return err
		}
		took = append(took, d)
		o.book.AddTime(d, "fleet", "balance", fmt.Sprintf("shared %t", shared))
		if d := <-claimed; d > 0 {
			claims = append(claims, d)
		}
		if err := transfer.Close(); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	after, err := loaded.Counters()
	if err != nil {
		return err
	}
	o.row(shared, reporter.Name, other.Name, quantile(took, 0.5), took[0], took[len(took)-1],
		after["congestion_window_limited"]-before["congestion_window_limited"], len(claims), quantile(claims, 0.5), quantile(claims, 1))
	return nil
}

func free(one *balance.Server, s *balance.Site) bool {
	e, err := one.Entry(s.Client.IPv4)
	return err == nil && e.State == pathstore.StateFree
}

// claimLag is how long an entry that a connection has claimed on one server can
// still be claimed on the other.
func claimLag(reporter, other *balance.Server, s *balance.Site) time.Duration {
	var began time.Time
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if began.IsZero() {
			if e, err := other.Entry(s.Client.IPv4); err == nil && e.State == pathstore.StateInUse {
				began = time.Now()
			}
		} else if !free(reporter, s) {
			return time.Since(began)
		}
		time.Sleep(100 * time.Microsecond)
	}
	return 0
}
