// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// reporting is a QUIC server that reports without end, each path once, and goes
// on to the next when it was answered that the path is stored.
type reporting struct {
	answered atomic.Int64
	end      context.CancelFunc
	done     chan struct{}
}

const firstReported = 1 << 16 // beyond the kept ones

func report1(i int) resume.Report {
	peer := peerOf(firstReported + i)
	return resume.Report{Peer: peer, ID: peer.String(), Cwnd: uint64(100_000 + i), MinRTT: 20 * time.Millisecond, Sent: 9_000_000}
}

// startReporting sends over both sockets at the same time.
func startReporting(s *site) *reporting {
	ctx, cancel := context.WithCancel(context.Background())
	r := &reporting{end: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		datagrams := client.New(client.Options{Dir: s.sockets})
		defer datagrams.Close()
		for i := 0; ctx.Err() == nil; time.Sleep(time.Millisecond) {
			_ = datagrams.Report(ctx, report1(1<<20+i%1000))
			if answer, err := client.Send(ctx, s.sockets, report1(i)); err == nil && answer.Stored == 1 {
				i++
				r.answered.Store(int64(i))
			}
		}
	}()
	return r
}

// stop returns how many reports were answered.
func (r *reporting) stop() int {
	r.end()
	<-r.done
	return int(r.answered.Load())
}

// keep adds what was answered for since, which is to be there from now on.
func (s *site) keep(answered int) {
	for i := s.row.Paths - keptPaths; i < answered; i++ {
		r := report1(i)
		path := stored(r.Peer)
		path.Cwnd, path.Ssthresh, path.Source = resume.Bytes(r.Cwnd), 0, resume.SourceApplication
		s.kept[r.Peer] = pathstore.Entry{Path: path, State: pathstore.StateFree}
	}
	s.row.Paths = len(s.kept)
}

// Half of the agents are killed while they begin, the others while they work.
func TestAgentKilled(t *testing.T) {
	s := newSite(t, "`kill -9` of the agent while reports come, half of them while it starts", 0)
	reports := startReporting(s)
	defer reports.stop()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range *kills {
		if i%2 == 0 {
			cmd := s.command("agent", "--pins", loader.DefaultPins)
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
			check.Must(t, cmd.Start())
			time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		} else {
			a := s.agent(t)
			before := reports.answered.Load()
			check.Eventually(t, patience, "reports are answered", func() bool { return reports.answered.Load() > before+int64(random.IntN(5)) })
			a.Kill()
		}
		s.row.Times++
		s.keep(int(reports.answered.Load()))
		s.check(t)
	}
	a := s.agent(t)
	s.keep(reports.stop())
	s.check(t)
	check.Must(t, a.Stop())
	entries, err := os.ReadDir(s.sockets)
	check.Must(t, err)
	for _, e := range entries {
		if e.Name() != "agent.lock" {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

// However many begin at once, one serves, and those beside it take nothing from it.
func TestSecondAgent(t *testing.T) {
	s := newSite(t, "more agents beside the one that serves", 0)
	a := s.agent(t)
	defer a.Kill()
	reports := startReporting(s)
	defer reports.stop()
	for range 20 {
		code, said := s.run(t, "agent")
		if want := fmt.Sprintf("another agent serves %s (pid %d)", s.sockets, a.Process.Pid); code != 1 || !strings.Contains(said, want) {
			t.Errorf("exit %d, %s; want %q", code, said, want)
		}
		s.row.Times++
		before := reports.answered.Load()
		check.Eventually(t, patience, "reports are answered", func() bool { return reports.answered.Load() > before })
	}
	s.keep(reports.stop())
	s.check(t)
	check.Must(t, a.Stop())
}
