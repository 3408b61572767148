// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// covers tells whether an operator's prefixes, or the rule in their absence,
// mean a peer: what is not global is another host at another place.
func covers(prefixes []netip.Prefix, peer netip.Addr) bool {
	if len(prefixes) == 0 {
		return resume.SpecialUse(peer) == ""
	}
	for _, prefix := range prefixes {
		if prefix.Contains(peer) {
			return true
		}
	}
	return false
}

// cut makes of what another machine says what it may do here.
func (c Config) cut(path resume.Path, policy resume.Policy) resume.Path {
	path.Cwnd = min(path.Cwnd, c.MaxCwnd)
	if path.Ssthresh != 0 {
		path.Ssthresh = min(path.Ssthresh, c.MaxCwnd)
	}
	if path.Mode == resume.ModeExact && !c.Exact {
		path.Mode = resume.ModePolicy
	}
	path.TTL = min(path.TTL, c.Lifetime, policy.Lifetime).Truncate(time.Microsecond)
	return path
}

// errRefused is wrapped by errors about messages that change nothing here,
// because the operator said so.
var errRefused = errors.New("refused")

func (c Config) mayEnter(peer netip.Addr) error {
	if !covers(c.In, peer) {
		return fmt.Errorf("%w: %s is in none of the prefixes that may enter", errRefused, peer)
	}
	return nil
}
