// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	loadedPaths  = 1_000_000
	loadedRoutes = 100_000
	loadMethod   = "An empty store takes the paths of so many peers: *tcpresume load* reads a file of NDJSON lines, " +
		"*pathstore.PutAll* is the Go function under it, given the paths in memory. " +
		"*kept* counts what the map, an LRU hash for 1 Mi paths, holds afterwards. " +
		"The rival is one IPv4 /32 route with `initcwnd` for each peer, added over one netlink socket in a network namespace."
)

// loading is one way to store many paths.
type loading struct {
	Way     string
	Paths   int
	Seconds []float64
	Kept    int // of the paths, by the map
	once    func(context.Context) (time.Duration, error)
}

// load is section e.
func load(ctx context.Context, opts options) (_ section, err error) {
	s := section{title: "Storing many paths", method: loadMethod}
	r, err := bench.Load(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	dir, err := os.MkdirTemp("", "tcpresume-bench-")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	ways, err := waysToLoad(r, opts, filepath.Join(dir, "paths.ndjson"))
	if err != nil {
		return s, err
	}
	for range opts.repeats {
		for _, way := range ways {
			took, err := way.once(ctx)
			if err != nil {
				return s, fmt.Errorf("%s: %w", way.Way, err)
			}
			way.Seconds = append(way.Seconds, took.Seconds())
			opts.book.Add(float64(way.Paths)/took.Seconds(), "/s", "load", way.Way)
			if way.Kept, err = way.count(r); err != nil {
				return s, err
			}
			progress("load %s: %s", way.Way, took.Round(time.Millisecond))
		}
	}
	t := table{head: []string{"way", "paths", "seconds", "paths/s", "kept"}}
	for _, way := range ways {
		seconds := median(way.Seconds)
		t.rows = append(t.rows, []string{way.Way, grouped(way.Paths), fmt.Sprintf("%.2f", seconds), grouped(int(float64(way.Paths) / seconds)), grouped(way.Kept)})
	}
	s.tables = []table{t}
	return s, nil
}

// count exists because an LRU map evicts before it is full.
func (l *loading) count(r *rig.Rig) (int, error) {
	if l.Paths != loadedPaths {
		return l.Paths, nil
	}
	n := 0
	for _, err := range r.Store.Entries() {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func waysToLoad(r *rig.Rig, opts options, file string) ([]*loading, error) {
	paths := manyPaths()
	var ways []*loading
	if _, err := os.Stat(opts.cli); err != nil {
		progress("load: no program %s, so only without it", opts.cli)
	} else {
		if err := writeNDJSON(file, paths); err != nil {
			return nil, err
		}
		ways = append(ways, &loading{Way: "tcpresume load FILE", Paths: len(paths), once: func(ctx context.Context) (time.Duration, error) {
			return emptied(r, func() error { return runLoad(ctx, opts.cli, file) })
		}})
	}
	ways = append(ways,
		&loading{Way: "pathstore.PutAll", Paths: len(paths), once: func(context.Context) (time.Duration, error) {
			return emptied(r, func() error { _, err := r.Store.PutAll(paths); return err })
		}},
		&loading{Way: "a route for each peer", Paths: loadedRoutes, once: func(context.Context) (time.Duration, error) {
			return addRoutes(paths[:loadedRoutes])
		}})
	return ways, nil
}

func manyPaths() []resume.Path {
	paths := make([]resume.Path, loadedPaths)
	for i := range paths {
		paths[i] = resume.Path{
			Peer: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
			Cwnd: 250_000, Ssthresh: 500_000, RTT: 80 * time.Millisecond,
			Mode: resume.ModeCareful, Sharing: resume.SharingSingle, Source: resume.SourceOperator,
		}
	}
	return paths
}

func writeNDJSON(file string, paths []resume.Path) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriter(out)
	for _, p := range paths {
		fmt.Fprintf(buffered, `{"peer":"%v","cwnd":%d,"ssthresh":%d,"rtt_us":%d,"mode":"%s","sharing":"%s"}`+"\n",
			p.Peer, uint32(p.Cwnd), uint32(p.Ssthresh), p.RTT.Microseconds(), p.Mode, p.Sharing)
	}
	return errors.Join(buffered.Flush(), out.Close())
}

// emptied times what fills the store.
func emptied(r *rig.Rig, fill func() error) (time.Duration, error) {
	if _, err := r.Store.Flush(); err != nil {
		return 0, err
	}
	start := time.Now()
	err := fill()
	return time.Since(start), err
}

func runLoad(ctx context.Context, cli, file string) error {
	output, err := exec.CommandContext(ctx, cli, "load", file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
