// SPDX-License-Identifier: Apache-2.0

package main

import "maps"

// withVerdicts adds the counters of live connections: each verdict once for the
// idle ones that a pass found, once for those whose application asked.
func withVerdicts(gate map[string]meaning) map[string]meaning {
	all := maps.Clone(gate)
	for verdict, m := range verdicts {
		all["live_"+verdict] = meaning{idle, m.text, m.next}
		all["ask_"+verdict] = meaning{asks, m.text, m.next}
	}
	return all
}

// verdicts are enum resume_verdict.
var verdicts = map[string]meaning{
	"resumed":           {text: "got the path, to resume from at the next send"},
	"off":               {text: "the policy, the entry or the cgroup's rule says off, or not exactly", next: "\"tcpresume policy list\" and \"tcpresume ask list\" show what is allowed"},
	"no_saved_path":     {text: "nothing is stored for the peer or the token"},
	"lifetime_exceeded": {text: "the entry was older than its lifetime", next: "report more often, or \"tcpresume policy set PREFIX --lifetime DURATION\""},
	"in_use":            {text: "another connection holds the entry or the path, or has used it up", next: "report again after each use"},
	"path_unstable":     {text: "the entry was rewritten faster than it could be read", next: "report less often about one peer"},
	"no_saved_rtt":      {text: "there is no stored RTT to confirm the path by", next: "store it with \"tcpresume put PEER --rtt\", or have the application report it"},
	"rtt_not_validated": {text: "the connection's RTT is not that of the saved path"},
	"no_gain":           {text: "the stored window gains nothing over the usual start, or bbr knows its pipe already"},
	"congested":         {text: "losses were being repaired"},
	"already":           {text: "the connection was resuming, or had jumped and not been idle since"},
	"unsupported":       {text: "not plain TCP, without a wrapper for its congestion control, or made before tcpresume on a kernel older than 6.12"},
	"no_memory":         {text: "the kernel had no memory for the connection's state", next: "look at the memory limits of the cgroup"},
	"malformed":         {text: "the option's value was not an ask"},
	"not_connected":     {text: "the socket was not connected"},
	"quota":             {text: "the cgroup's applications have stored as many new paths of late as they may", next: "have them ask for a stored path, or \"tcpresume up --max-paths\" makes room for more"},
}
