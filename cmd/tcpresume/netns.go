// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func addNetns(flags *pflag.FlagSet, to *string) {
	addPath(flags, to, "netns", "network namespace, by `PATH` or cookie, where the policy keeps one entry for each")
}

// scopeOf turns --netns into the scope of a key, which the policy of the peer
// either needs or has no use for.
func scopeOf(rule pathstore.Rule, netns string) (uint64, error) {
	prefix := resume.FormatPrefix(rule.Prefix)
	switch perNetns := rule.Policy.Scope == resume.ScopeNetns; {
	case perNetns && netns == "":
		return 0, input(fmt.Errorf("--netns is missing: the policy of %s keeps one entry for each network namespace; name it, as in --netns /run/netns/blue", prefix))
	case !perNetns && netns != "":
		return 0, input(fmt.Errorf("--netns %q has no meaning here: the policy of %s keeps one entry for the host; leave it out, or run \"tcpresume policy set %[2]s --scope netns\"", netns, prefix))
	case !perNetns:
		return 0, nil
	}
	cookie, err := loader.NetnsCookie(netns)
	if err == nil && cookie == 0 {
		err = errors.New("--netns 0 is the host's scope, not a network namespace's cookie")
	}
	return cookie, input(err)
}
