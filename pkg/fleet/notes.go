// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"time"

	"github.com/tcpresume/tcpresume/internal/sandbox"
)

func (f *Fleet) count(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.add(name)
}

// countedError is a failure of this machine's maps or configuration.
func (f *Fleet) countedError(name string, err error) {
	f.counts.add(name)
	f.state.err, f.state.errAt = err.Error(), time.Now()
}

// reject counts a message that changed nothing, and keeps it for Status.
func (f *Fleet) reject(name, key, from string, err error) {
	f.counts.add(name)
	if !plain(from) {
		from = ""
	}
	f.rejected = append(f.rejected, Rejection{At: time.Now(), What: name, Key: key[:min(len(key), 80)], From: from, Why: err.Error()})
	if len(f.rejected) > maxRejected {
		f.rejected = f.rejected[1:]
	}
}

// alone notes why nobody else is reached.
func (f *Fleet) alone(err error) {
	f.live.Store(false)
	err = f.opts.Config.hide(sandbox.Network(err))
	f.mu.Lock()
	if f.state.live || f.state.since.IsZero() {
		f.state.since = time.Now()
	}
	f.state.live, f.state.have, f.state.want = false, 0, 0
	f.state.err, f.state.errAt = err.Error(), time.Now()
	f.mu.Unlock()
	f.good.Drop()
	f.bad.Printf("fleet: alone: %v; this machine goes on by itself", err)
}

// complain notes what did not work, without an end to the session.
func (f *Fleet) complain(err error) {
	err = f.opts.Config.hide(err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.err, f.state.errAt = err.Error(), time.Now()
}

func (f *Fleet) joining(have, want uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if have == 0 {
		f.state.joinBegan = time.Now()
	}
	f.state.have, f.state.want = have, want
}

// joined lets the publisher begin.
func (f *Fleet) joined(changes uint64) {
	f.mu.Lock()
	f.state.live, f.state.since = true, time.Now()
	f.state.have, f.state.want = changes, changes
	f.state.joinedIn = time.Since(f.state.joinBegan)
	f.state.err, f.state.errAt = "", time.Time{}
	took := f.state.joinedIn
	f.mu.Unlock()
	f.live.Store(true)
	signal(f.looks.wake)
	f.bad.Drop()
	f.good.Printf("fleet: live in %s: took %d changes in %v", f.opts.Config.Bucket(), changes, took.Round(time.Millisecond))
}

// CountMeanings says what each counter counts.
var CountMeanings = map[string]string{
	"out_put":          "paths published",
	"out_claim":        "claims published",
	"out_gone":         "retreats, uses and deletions published",
	"out_same":         "not published: the others have it so",
	"out_known":        "not published: another machine's is as new",
	"out_merged":       "several changes of a peer became one",
	"out_postponed":    "waited for the peer's interval",
	"out_kept":         "not published: the operator keeps it here",
	"out_dropped":      "given up: more peers waited than the queue holds",
	"out_unconfirmed":  "not confirmed by the server, published again",
	"out_again":        "published again",
	"out_given_up":     "given up: the server did not confirm it three times; has this machine the right, and the bucket room? \"tcpresume doctor\" tells",
	"out_failed":       "the maps could not be read",
	"in":               "messages taken from the bucket",
	"in_own":           "this agent's own, come back",
	"in_stored":        "paths written",
	"in_claim":         "claims that removed a path, or keep it away",
	"in_gone":          "retreats, uses and deletions applied",
	"in_claimed_twice": "claims that met a claim of this machine: both used the path",
	"in_shared":        "claims without effect, as the policy shares paths",
	"in_older":         "changed nothing: this machine knows something newer",
	"in_in_use":        "changed nothing: a connection here uses the path",
	"in_expired":       "changed nothing: came too late",
	"in_full":          "changed nothing: as many paths of others as allowed",
	"in_refused":       "changed nothing: the operator does not let the peer in",
	"in_failed":        "the maps could not be written",
	"in_malformed":     "changed nothing: wrong messages",
	"in_other_version": "changed nothing: messages for newer agents",
	"in_forged":        "changed nothing: bore this process's name, which had not sent them",
}
