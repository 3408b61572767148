// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	pins     = "/sys/fs/bpf/tcpresume"
	maxPaths = 1 << 18
)

type options struct {
	program  string
	duration time.Duration
	rate     int
	peers    int
	garbage  int
	book     *figures.Book
}

func main() {
	o := options{book: figures.Flags("reports")}
	flag.StringVar(&o.program, "tcpresume", "../bin/tcpresume", "the tcpresume program")
	flag.DurationVar(&o.duration, "for", 10*time.Second, "how long each load lasts")
	flag.IntVar(&o.rate, "rate", 100_000, "datagrams a second")
	flag.IntVar(&o.peers, "peers", 50_000, "how many peers are reported")
	flag.IntVar(&o.garbage, "garbage", 1_000_000, "malformed datagrams")
	flag.Parse()
	rig.Private(func() int {
		if err := measure(o); err != nil {
			fmt.Fprintln(os.Stderr, "reports:", err)
			return 1
		}
		return 0
	})
}

// bed is a running agent on a core of its own, and its maps.
type bed struct {
	options
	dir   string
	store *pathstore.Store
	agent *exec.Cmd
}

func measure(o options) error {
	dir, err := os.MkdirTemp("", "tcpresume-reports-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := rig.PinMaps(filepath.Join(pins, "maps"), maxPaths); err != nil {
		return err
	}
	b := &bed{options: o, dir: filepath.Join(dir, "run")}
	if b.store, err = pathstore.Open(filepath.Join(pins, "maps")); err != nil {
		return err
	}
	defer b.store.Close()
	if err := b.start(dir); err != nil {
		return err
	}
	defer func() {
		_ = b.agent.Process.Signal(os.Interrupt)
		_ = b.agent.Wait()
	}()
	fmt.Fprintln(b.book, "| what | figure |\n| --- | --- |")
	for _, part := range []func() error{b.idle, b.datagrams, b.saturated, b.batches, b.malformed} {
		if err := part(); err != nil {
			return err
		}
	}
	return o.book.Save()
}

// start gives the agent the last core and everything here the others.
func (b *bed) start(dir string) error {
	config := filepath.Join(dir, "agent.yaml")
	text := fmt.Sprintf("callers:\n  - users: [root]\n    rate: 10000000\n    max-paths: %d\n    read: true\n", maxPaths)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	cores := runtime.NumCPU()
	b.agent = exec.Command(b.program, "agent", "--config", config, "--socket-dir", b.dir)
	b.agent.Stderr = os.Stderr
	b.agent.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := b.agent.Start(); err != nil {
		return err
	}
	if cores > 1 {
		if err := pin(b.agent.Process.Pid, cores-1, cores); err != nil {
			return err
		}
		if err := pin(os.Getpid(), 0, cores-1); err != nil {
			return err
		}
	}
	for range 500 {
		if _, err := os.Stat(filepath.Join(b.dir, "api.sock")); err == nil {
			time.Sleep(200 * time.Millisecond)
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the agent does not begin")
}

// pin moves every thread of a process; new ones follow their maker.
func pin(pid, from, to int) error {
	var set unix.CPUSet
	for cpu := from; cpu < to; cpu++ {
		set.Set(cpu)
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return err
	}
	for _, t := range threads {
		var tid int
		if _, err := fmt.Sscan(t.Name(), &tid); err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(tid, &set); err != nil && err != unix.ESRCH {
			return err
		}
	}
	return nil
}

func (b *bed) row(what, format string, args ...any) {
	fmt.Fprintf(b.book, "| %s | %s |\n", what, fmt.Sprintf(format, args...))
}
