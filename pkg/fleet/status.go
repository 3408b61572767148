// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"maps"
	"slices"
	"time"

	"github.com/tcpresume/tcpresume/internal/secret"
	"github.com/tcpresume/tcpresume/internal/wall"
)

// counts are by name; CountMeanings says which there are.
type counts map[string]uint64

func (c counts) add(name string) { c[name]++ }

// state is what the sessions tell of themselves.
type state struct {
	live       bool
	since      time.Time
	have, want uint64 // while joining
	err        string // why alone, or the latest complaint
	errAt      time.Time
	members    int
	stored     int
	bytes      uint64
	joinedIn   time.Duration
	joinBegan  time.Time
}

// Rejection is a message that changed nothing because it was wrong.
type Rejection struct {
	At   time.Time `json:"time"`
	What string    `json:"what"` // the counter's name
	Key  string    `json:"key"`
	From string    `json:"from,omitempty"` // as it says itself
	Why  string    `json:"why"`
}

const (
	maxRejected = 8
	maxShown    = 64 // machines that Status names
)

// The states of a fleet.
const (
	StateLive    = "live"
	StateJoining = "joining"
	StateAlone   = "alone"
)

// Status is what a fleet says of itself.
type Status struct {
	State   string    `json:"state"` // live, joining, alone
	Since   time.Time `json:"since"`
	URL     string    `json:"url"` // without passwords
	Bucket  string    `json:"bucket"`
	Name    string    `json:"name"`
	Have    uint64    `json:"have"` // of the changes to take while joining
	Want    uint64    `json:"want"`
	Joined  float64   `json:"joined_seconds"` // how long the latest joining took
	Error   string    `json:"error,omitempty"`
	ErrorAt time.Time `json:"error_at,omitzero"`

	Members int               `json:"members"` // machines that are there, this one too
	Stored  int               `json:"stored"`  // changes in the bucket
	Bytes   uint64            `json:"bytes"`   // of the bucket
	Known   int               `json:"known"`   // peers that this agent has heard of or told of
	Held    int               `json:"held"`    // paths of other machines in the maps
	Sources map[string]int    `json:"sources"` // of them by machine, the largest ones
	Waiting int               `json:"waiting"` // peers that wait to be published
	Counts  map[string]uint64 `json:"counts"`

	Lag50    float64     `json:"lag_p50_seconds"`
	Lag99    float64     `json:"lag_p99_seconds"`
	Skew     float64     `json:"skew_seconds"` // this machine's clock against the server's; for people, nothing depends on it
	Rejected []Rejection `json:"rejected"`     // the latest
}

// Status returns what is true now.
func (f *Fleet) Status() Status {
	lag := f.lag.quantiles(0.5, 0.99)
	waiting, dropped, merged := f.looks.counts()
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{
		State: StateAlone, Since: wall.Date(f.state.since), URL: secret.Servers(f.opts.Config.URL), Bucket: f.opts.Config.Bucket(), Name: f.opts.Config.Name,
		Have: f.state.have, Want: f.state.want, Joined: f.state.joinedIn.Seconds(), Error: f.state.err, ErrorAt: wall.Date(f.state.errAt),
		Members: f.state.members, Stored: f.state.stored, Bytes: f.state.bytes,
		Known: len(f.book.peers), Held: f.book.held, Sources: f.book.sources(), Waiting: waiting,
		Counts: maps.Clone(f.counts), Lag50: lag[0].Seconds(), Lag99: lag[1].Seconds(), Skew: f.clock.skew().Seconds(),
		Rejected: slices.Clone(f.rejected),
	}
	for i := range s.Rejected {
		s.Rejected[i].At = wall.Date(s.Rejected[i].At)
	}
	switch {
	case f.state.live:
		s.State = StateLive
	case f.state.want > 0:
		s.State = StateJoining
	}
	for name := range CountMeanings {
		s.Counts[name] += 0
	}
	s.Counts["out_dropped"], s.Counts["out_merged"] = dropped, merged
	return s
}

func (b *book) sources() map[string]int {
	all := make([]*member, 0, len(b.members))
	for _, m := range b.members {
		if m.paths > 0 {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(x, y *member) int { return y.paths - x.paths })
	shown := make(map[string]int)
	for _, m := range all[:min(len(all), maxShown)] {
		shown[m.name] = m.paths
	}
	return shown
}
