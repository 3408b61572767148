// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Paths is where reports end. A pathstore.Writer is one. It is called by one
// goroutine at a time. An error that wraps pathstore.ErrNotLoaded says that there
// are no maps now.
type Paths interface {
	Rule(peer netip.Addr) (pathstore.Rule, error)
	PutAll(paths []resume.Path) (stored int, err error) // in order; err is about the next one
	Drop(peer netip.Addr, scope uint64) error
}

// Options of New. Only Paths is required.
type Options struct {
	Config    Config
	Paths     Paths
	Observers []Observer

	// What the API shows beside reports; a missing one is answered with 404.
	Entry    func(peer netip.Addr, scope uint64) (any, error) // an error wraps pathstore.ErrNotFound where nothing is stored
	Events   func(ctx context.Context, each func(pathstore.Event) error) error
	EventsID func() uint32 // of the ring that Events reads; 0: there is none now
	Metrics  http.Handler
	Fleet    func() any                                // its status, where this machine is in one; nil: it is not now
	Delete   func(peer netip.Addr, scope uint64) error // here and in the fleet; an error wraps pathstore.ErrNotFound where nothing is stored
	OnEvent  func(pathstore.Event)                     // told of each event that Events yields
	Ready    func() error                              // why reports are of no use now; nil: they are
	Log      func(format string, args ...any)
	Ours     func(addr netip.Addr, process int32) bool // an address of this machine as the process sees it, which nobody reports unless it is named; nil: none is known
	Notes    func() []string                           // what this process cannot do where it runs, for Status
	Version  string
}

// Agent takes reports. Its methods may be called from several goroutines.
type Agent struct {
	opts    Options
	started time.Time
	hub     hub
	queue   atomic.Int32 // of the report socket, in datagrams

	mu      sync.Mutex // makes the order of decisions the order of writes
	guard   *guard
	tracker *tracker
	buckets map[uint32]*bucket
	counts  map[Count]uint64
	paths   []resume.Path // of the messages at hand, and where each is among them
	places  []int
}

// Count names one sort of outcome of one user's reports.
type Count struct {
	UID    int64  `json:"uid"` // -1: others than the first few hundred
	Result Result `json:"result"`
	Reason string `json:"reason"`
}

// Counted is how many there were.
type Counted struct {
	Count
	Reports uint64 `json:"reports"`
}

// maxCounted bounds what strangers can make the agent remember.
const maxCounted = 1024

// New makes an agent that listens nowhere yet.
func New(opts Options) *Agent {
	if opts.Ready == nil {
		opts.Ready = func() error { return nil }
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	if opts.EventsID == nil {
		opts.EventsID = func() uint32 { return 0 }
	}
	if opts.Notes == nil {
		opts.Notes = func() []string { return nil }
	}
	if opts.Ours == nil {
		opts.Ours = func(netip.Addr, int32) bool { return false }
	}
	return &Agent{
		opts: opts, started: time.Now(), guard: newGuard(opts.Config, opts.Ours), tracker: newTracker(),
		buckets: make(map[uint32]*bucket), counts: make(map[Count]uint64),
	}
}

// Reload puts another configuration in force, for the next report.
func (a *Agent) Reload(config Config) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guard = newGuard(config, a.opts.Ours)
}

// Forget drops what the agent has in mind of peers, as when other maps are to
// be written, which hold nothing of it.
func (a *Agent) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tracker = newTracker()
}

// Message is one report as it came.
type Message struct {
	Who  Credentials
	Text []byte
}

// Take reads messages, decides about each and writes the map, in their order.
// Into is for the outcomes, to be used again; those that are returned live in it.
func (a *Agent) Take(messages []Message, into []Outcome) []Outcome {
	outcomes, now := into[:0], time.Now()
	for _, m := range messages {
		report, err := resume.ParseReport(m.Text)
		if err != nil {
			err = &Refusal{ReasonMalformed, err}
		}
		outcomes = append(outcomes, Outcome{At: now, Who: m.Who, Report: report, Err: err})
	}
	a.take(outcomes)
	return outcomes
}

// TakeReport is Take for one report that has been read already, as from another agent.
func (a *Agent) TakeReport(who Credentials, report resume.Report) Outcome {
	o := []Outcome{{At: time.Now(), Who: who, Report: report}}
	if err := report.Validate(); err != nil {
		o[0].Err = &Refusal{ReasonMalformed, err}
	}
	a.take(o)
	return o[0]
}

func (a *Agent) take(outcomes []Outcome) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paths, a.places = a.paths[:0], a.places[:0]
	for i := range outcomes {
		a.decide(&outcomes[i])
		if outcomes[i].Result == Stored {
			a.paths, a.places = append(a.paths, outcomes[i].Path), append(a.places, i)
		}
	}
	for paths, places := a.paths, a.places; len(paths) > 0; {
		n, err := a.opts.Paths.PutAll(paths)
		if err == nil {
			break
		}
		o := &outcomes[places[n]]
		refusal := refuseStore(err)
		o.Result, o.Reason, o.Err, o.Path = Refused, refusal.Reason, refusal, resume.Path{}
		paths, places = paths[n+1:], places[n+1:]
	}
	for i := range outcomes {
		a.count(outcomes[i])
		for _, observer := range a.opts.Observers {
			observer.Reported(outcomes[i])
		}
		a.hub.report(outcomes[i])
	}
}

// decide fills in the outcome, as if the map took what is to be stored.
func (a *Agent) decide(o *Outcome) {
	c, err := a.admit(o)
	if err == nil {
		err = o.Err
	}
	if err == nil {
		o.Reason, err = a.judge(c, o)
	}
	var refusal *Refusal
	switch o.Err = err; {
	case err != nil && errors.As(err, &refusal):
		o.Result, o.Reason = Refused, refusal.Reason
	case o.Reason != "":
		o.Result = Held
	default:
		o.Result = Stored
	}
}

// admit says why this process may not report at all, or not now. It comes first,
// so that strangers and floods learn nothing and cost little.
func (a *Agent) admit(o *Outcome) (*Caller, error) {
	c := a.guard.caller(o.Who)
	if c == nil {
		return nil, refusedUID(o.Who)
	}
	b := a.buckets[o.Who.UID]
	if b == nil {
		b = &bucket{tokens: float64(c.Burst), last: o.At}
		a.buckets[o.Who.UID] = b
	}
	return c, b.take(c.Rate, c.Burst, o.At)
}

// judge finds what the report is worth, or returns why it is held or refused.
func (a *Agent) judge(c *Caller, o *Outcome) (held string, err error) {
	r := o.Report
	switch {
	case resume.Bytes(min(r.Cwnd, 1<<32-1)) > c.MaxCwnd:
		return "", refuse(ReasonWindow, "cwnd %d is larger than the %s that this user may report: the unit is bytes, and the operator sets max-cwnd", r.Cwnd, c.MaxCwnd)
	case r.Mode == resume.ModeExact && !c.Exact:
		return "", refuse(ReasonMode, "this user may not ask for mode exact: leave mode out, or have the operator allow it")
	}
	if err := a.guard.mayReport(c, o.Who, r.Peer); err != nil {
		return "", err
	}
	rule, err := a.opts.Paths.Rule(r.Peer)
	if err != nil {
		return "", refuseStore(err)
	}
	key := peerKey{addr: rule.Policy.MaskPeer(r.Peer)}
	switch {
	case rule.Policy.Mode == resume.ModeOff:
		return ReasonOff, nil
	case rule.Policy.Scope == resume.ScopeNetns && r.NetnsCookie == 0:
		return "", refuse(ReasonScope, "netns_cookie is missing: the policy of %s keeps one entry for each network namespace; send SO_NETNS_COOKIE of a socket", resume.FormatPrefix(rule.Prefix))
	case rule.Policy.Scope == resume.ScopeNetns:
		key.scope = r.NetnsCookie
	}
	config := a.guard.config
	path, held, gone := a.tracker.judge(o.Who.UID, r, key, rules{
		lifetime: rule.Policy.Lifetime, fresh: config.Fresh, sharedAfter: config.SharedAfter, maxPaths: c.MaxPaths,
	}, o.At)
	for _, k := range gone { // the oldest of a user that has too many
		if err := a.opts.Paths.Drop(k.addr, k.scope); err != nil && !errors.Is(err, pathstore.ErrNotFound) {
			return "", refuseStore(fmt.Errorf("making room: %w", err))
		}
	}
	if held != "" {
		return held, nil
	}
	o.Path = path
	return "", nil
}

func (a *Agent) count(o Outcome) {
	c := Count{int64(o.Who.UID), o.Result, o.Reason}
	if _, known := a.counts[c]; !known && len(a.counts) >= maxCounted {
		c.UID = -1
	}
	a.counts[c]++
}

// Counts returns how many reports had which outcome since the agent began.
func (a *Agent) Counts() []Counted {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]Counted, 0, len(a.counts))
	for c, n := range a.counts {
		all = append(all, Counted{c, n})
	}
	slices.SortFunc(all, func(x, y Counted) int {
		return cmp.Or(cmp.Compare(x.UID, y.UID), cmp.Compare(y.Result, x.Result), cmp.Compare(x.Reason, y.Reason))
	})
	return all
}

// Tracked returns how many peers and connections the agent has in mind.
func (a *Agent) Tracked() (peers, connections int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.tracker.peers), len(a.tracker.conns)
}
