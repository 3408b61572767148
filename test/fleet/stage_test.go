// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 20 * time.Second

var peer4, peer6 = netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")

// bus is a NATS server in this process.
type bus struct {
	*server.Server
	opts server.Options
}

func newBus(t testing.TB, change func(*server.Options)) *bus {
	t.Helper()
	b := &bus{opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	}}
	if change != nil {
		change(&b.opts)
	}
	b.start(t)
	t.Cleanup(b.stop)
	return b
}

func (b *bus) start(t testing.TB) {
	t.Helper()
	opts := b.opts
	s, err := server.NewServer(&opts)
	check.Must(t, err)
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server did not start")
	}
	b.Server = s
	b.opts.Port = int(netip.MustParseAddrPort(s.Addr().String()).Port())
}

func (b *bus) stop() {
	b.Shutdown()
	b.WaitForShutdown()
}

// machine is one agent's part in the fleet, with maps of memory.
type machine struct {
	*fleet.Fleet
	maps *memory
	stop func()
	log  *journal
}

// journal is what a machine has logged.
type journal struct {
	sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.Lock()
	defer j.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) said() []string {
	j.Lock()
	defer j.Unlock()
	return slices.Clone(j.lines)
}

func config(b *bus, name string) fleet.Config {
	c := fleet.DefaultConfig()
	c.URL, c.Name, c.Site = b.ClientURL(), name, "test"
	c.Out = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	c.In = c.Out
	return c
}

func join(t testing.TB, c fleet.Config) *machine {
	t.Helper()
	m := &machine{maps: newMemory(), log: &journal{}}
	m.enter(t, c)
	return m
}

// enter begins a new process with the same maps.
func (m *machine) enter(t testing.TB, c fleet.Config) {
	t.Helper()
	var err error
	m.Fleet, err = fleet.New(fleet.Options{Config: c, Maps: m.maps, Log: func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		m.log.note(line)
		t.Logf("%s: %s", c.Name, line)
	}})
	check.Must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	m.stop = func() {
		cancel()
		if err, ok := <-done; ok && err != nil {
			t.Error(err)
		}
		close(done)
		m.stop = func() {}
	}
	t.Cleanup(func() { m.stop() })
}

func (m *machine) live(t testing.TB) *machine {
	t.Helper()
	check.Eventually(t, patience, "joining", func() bool { return m.Status().State == fleet.StateLive })
	return m
}

// report stores what an application of the machine reports.
func (m *machine) report(t testing.TB, peer netip.Addr, cwnd resume.Bytes) {
	t.Helper()
	check.Must(t, m.maps.Put(resume.Path{
		Peer: peer, Cwnd: cwnd, RTT: 80 * time.Millisecond,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
	}))
	m.Look(peer)
}

func (m *machine) has(peer netip.Addr, cwnd resume.Bytes) bool {
	e, err := m.maps.Get(peer, 0)
	return err == nil && e.Cwnd == cwnd
}

func (m *machine) lacks(peer netip.Addr) bool {
	_, err := m.maps.Get(peer, 0)
	return err != nil
}

// counted compares the named counters.
func (m *machine) counted(t testing.TB, want map[string]uint64) {
	t.Helper()
	got := make(map[string]uint64)
	counts := m.Status().Counts
	for name := range want {
		got[name] = counts[name]
	}
	check.Same(t, "counters", got, want)
}
