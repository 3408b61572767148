// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/internal/calm"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Maps is this machine's store of paths. A pathstore.Writer of the fleet's own is
// one. It is called by one goroutine at a time.
type Maps interface {
	Rule(peer netip.Addr) (pathstore.Rule, error)
	Get(peer netip.Addr, scope uint64) (pathstore.Entry, error)
	PutAll(paths []resume.Path) (int, error)
	Delete(peer netip.Addr, scope uint64) error
}

// Options of New. Config and Maps are required.
type Options struct {
	Config Config
	Maps   Maps
	Netns  uint64                 // cookie of the namespace that Config.Netns means
	Stored func(path resume.Path) // told of each path of another machine that was written
	Log    func(format string, args ...any)
}

// troubleEvery is how often the log repeats that, and why, this machine is alone.
const troubleEvery = 10 * time.Minute

// Fleet is this machine's part in it. Its methods may be called from several goroutines.
type Fleet struct {
	opts  Options
	run   string // names this process
	clock *clock
	looks *looks
	lag   lag
	sent  atomic.Uint64 // number of the latest own change
	bad   *calm.Log     // why this machine is alone
	good  *calm.Log     // that it is not
	at    position      // of the sessions, which come one after the other

	live atomic.Bool // connected, and everything that waited in the bucket was taken
	room chan struct{}

	mu       sync.Mutex // of all below, and of Maps
	config   Config
	book     book
	counts   counts
	rejected []Rejection
	state    state
}

// New makes a Fleet that is connected to nothing yet.
func New(opts Options) (*Fleet, error) {
	if err := opts.Config.Validate(); err != nil {
		return nil, err
	}
	if opts.Config.URL == "" {
		return nil, errors.New("no server: give the fleet's url, as in nats://nats.example:4222")
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	name := make([]byte, 8)
	if _, err := rand.Read(name); err != nil {
		return nil, err
	}
	c := newClock()
	log := func(line string) { opts.Log("%s", line) }
	return &Fleet{
		bad: calm.New(log, 0, troubleEvery), good: calm.New(log, 0, 0),
		opts: opts, config: opts.Config, run: hex.EncodeToString(name), clock: c,
		looks: newLooks(opts.Config.Queue), book: newBook(c.now()), room: make(chan struct{}, 1),
		counts: make(counts), state: state{since: time.Now()},
	}, nil
}

// Reload puts another policy in force: what may leave and enter, caps, interval.
// Where the fleet is and who this machine is there needs a new process, which it
// says where that is what has changed.
func (f *Fleet) Reload(config Config) {
	f.mu.Lock()
	f.config = config
	f.mu.Unlock()
	started := f.opts.Config
	started.Out, started.In, started.MaxCwnd, started.Lifetime = config.Out, config.In, config.MaxCwnd, config.Lifetime
	started.MaxPaths, started.Exact, started.Interval = config.MaxPaths, config.Exact, config.Interval
	if !reflect.DeepEqual(started, config) {
		f.opts.Log("note: other servers, another name or other files of the fleet count after a new start only: restart the agent")
	}
}

// Look tells that something has become of a peer's entry in the maps. It never
// waits; what the entry is then goes to the others.
func (f *Fleet) Look(peer netip.Addr) { f.looks.add(look{peer: peer, at: f.clock.now()}) }

// Deleted tells that the operator removed a peer's entry: nobody is to use it.
func (f *Fleet) Deleted(peer netip.Addr) {
	f.looks.add(look{peer: peer, cause: deleted, at: f.clock.now()})
}

// Event is Look for what the kernel tells.
func (f *Fleet) Event(e pathstore.Event) { f.Look(e.Peer.Addr()) }

// Run takes part until ctx ends. It returns early only where waiting cannot help:
// wrong credentials files, for one.
func (f *Fleet) Run(ctx context.Context) error {
	link, err := f.connect(ctx)
	if err != nil {
		return f.opts.Config.hide(err)
	}
	var sweeping sync.WaitGroup
	sweeping.Go(func() { f.sweep(ctx) })
	defer sweeping.Wait()
	for {
		f.use(ctx, link)
		for {
			if ctx.Err() != nil {
				return nil
			}
			if link, err = f.connect(ctx); err == nil {
				break
			}
			f.alone(err) // its files are being replaced, perhaps
			select {
			case <-ctx.Done():
			case <-time.After(sessionPause):
			}
		}
	}
}

// use takes part by one link, until ctx ends or the link's identity is an old one.
func (f *Fleet) use(ctx context.Context, l *link) {
	defer l.nc.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var publishing sync.WaitGroup
	publishing.Go(func() { f.publish(ctx, l) })
	f.follow(ctx, l)
	f.live.Store(false)
	cancel()
	publishing.Wait()
}

func (f *Fleet) sweep(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.mu.Lock()
			f.book.sweep(f.clock.now())
			f.mu.Unlock()
		}
	}
}

// place is where a peer's entry is in the maps and in the bucket, and the policy that says so.
type place struct {
	peer   netip.Addr // masked
	scope  uint64
	policy resume.Policy
}

func (f *Fleet) place(peer netip.Addr) (place, error) {
	rule, err := f.opts.Maps.Rule(peer)
	if err != nil {
		return place{}, err
	}
	at := place{peer: rule.Policy.MaskPeer(peer), policy: rule.Policy}
	if rule.Policy.Scope == resume.ScopeNetns {
		if at.scope = f.opts.Netns; at.scope == 0 {
			return place{}, errors.New("its policy keeps one entry for each network namespace: say in fleet: netns: which one this agent speaks for")
		}
	}
	return at, nil
}
