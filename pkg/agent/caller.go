// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Credentials are what the kernel says of the process that reports.
type Credentials struct {
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
	PID int32  `json:"pid"` // for people; it may be somebody else's by now
}

// guard knows who may report what, by one configuration.
type guard struct {
	config Config
	own    uint32                                    // uid that the agent runs as
	ours   func(addr netip.Addr, process int32) bool // an address of this machine, as the process sees it
	known  map[Credentials]*Caller
}

func newGuard(config Config, ours func(addr netip.Addr, process int32) bool) *guard {
	return &guard{config: config, own: uint32(os.Geteuid()), ours: ours, known: make(map[Credentials]*Caller)}
}

// caller returns what a process may do; nil: nothing.
func (g *guard) caller(who Credentials) *Caller {
	who.PID = 0
	c, ok := g.known[who]
	if !ok {
		c = g.find(who)
		if len(g.known) < 1024 { // of users that come by, there are few
			g.known[who] = c
		}
	}
	return c
}

func (g *guard) find(who Credentials) *Caller {
	if nobody(who.UID) {
		return nil
	}
	for i, c := range g.config.Callers {
		if slices.Contains(c.UIDs, who.UID) || slices.Contains(c.GIDs, who.GID) && !nobody(who.GID) {
			return &g.config.Callers[i]
		}
	}
	if who.UID == 0 || who.UID == g.own {
		c := trusted()
		return &c
	}
	return nil
}

func refusedUID(who Credentials) error {
	if nobody(who.UID) {
		return refuse(ReasonUID, "uid %d is what the kernel calls everybody it cannot name: run the server as a user of its own, in the agent's user namespace", who.UID)
	}
	return refuse(ReasonUID, "uid %d (gid %d) may not report: the operator lists it under callers in the agent's configuration", who.UID, who.GID)
}

// mayReport says why a peer's address is none of the caller's business.
func (g *guard) mayReport(c *Caller, who Credentials, peer netip.Addr) error {
	if len(c.Peers) > 0 {
		for _, prefix := range c.Peers {
			if prefix.Contains(peer) {
				return nil
			}
		}
		return refuse(ReasonPeer, "%s is in none of the prefixes that this user may report", peer)
	}
	what := resume.SpecialUse(peer)
	if what == "" && g.ours(peer, who.PID) {
		what = "an address of this machine"
	}
	if what == "" {
		return nil
	}
	return refuse(ReasonPeer, "%s is %s: the operator lists its prefix under peers if connections from there shall resume", peer, what)
}

// bucket holds one user to a rate.
type bucket struct {
	tokens float64
	last   time.Time
}

func (b *bucket) take(rate, burst int, now time.Time) error {
	b.tokens = min(float64(burst), b.tokens+now.Sub(b.last).Seconds()*float64(rate))
	b.last = now
	if b.tokens < 1 {
		return refuse(ReasonRate, "more than %d reports a second: report each connection at most once a second", rate)
	}
	b.tokens--
	return nil
}

// Refusal is why a report was not taken.
type Refusal struct {
	Reason string
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// refuseStore tells maps that are yet to come from those that do not take a path.
func refuseStore(err error) *Refusal {
	if errors.Is(err, pathstore.ErrNotLoaded) {
		return &Refusal{ReasonWaiting, err}
	}
	return &Refusal{ReasonStore, err}
}

func refuse(reason, format string, args ...any) error {
	return &Refusal{reason, fmt.Errorf(format, args...)}
}
