// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// Path is what is stored of one peer: RFC 9959's CC parameters and how they may be used.
type Path struct {
	Peer     netip.Addr    // masked to the policy's key length once stored
	Scope    uint64        // 0, a network namespace's cookie, or ScopeToken
	Cwnd     Bytes         // saved_cwnd
	Ssthresh Bytes         // 0: not known, slow start is unbounded
	RTT      time.Duration // saved_rtt, the minimum; 0: not known
	TTL      time.Duration // remaining lifetime; 0: the policy's
	Mode     Mode
	Sharing  Sharing
	Source   Source
}

// MaxTTL bounds what a person can mean by a lifetime (RFC 9959 section 4.3.1 speaks of minutes to hours).
const MaxTTL = 365 * 24 * time.Hour

// Validate says what is wrong with a path that is to be stored, and what to do.
func (p Path) Validate() error {
	var wrong problems
	if p.Scope != ScopeToken || !p.Peer.IsValid() {
		wrong.add(CheckPeer(p.Peer))
	}
	if p.Cwnd == 0 {
		wrong.add(errors.New("cwnd is 0: give the window to start with, as in 256KiB"))
	}
	if p.RTT < 0 || p.RTT.Microseconds() > math.MaxUint32 || (p.RTT > 0 && p.RTT < time.Microsecond) {
		wrong.add(fmt.Errorf("rtt %v is out of range: give 1us to %v", p.RTT, time.Duration(math.MaxUint32)*time.Microsecond))
	}
	if p.TTL < 0 || p.TTL > MaxTTL {
		wrong.add(fmt.Errorf("ttl %v is out of range: give a positive time of at most %v", p.TTL, MaxTTL))
	}
	wrong.add(checkWord("mode", p.Mode, Modes))
	wrong.add(checkWord("sharing", p.Sharing, Sharings))
	wrong.add(checkWord("source", p.Source, Sources))
	return errors.Join(wrong...)
}

func checkWord[W ~string](what string, word W, allowed []W) error {
	_, err := ParseWord(what, string(word), allowed)
	return err
}
