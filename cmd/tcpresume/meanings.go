// SPDX-License-Identifier: Apache-2.0

package main

// meaning says in words what a counter of the kernel counts.
type meaning struct {
	group group
	text  string
	next  string // what the reader can do about it; empty: nothing, or nothing needs to be done
}

// group is where "status" shows a counter.
type group int

const (
	seen    group = iota // the whole, of which the ways out are parts
	cold                 // a way out without resuming
	resumed              // a way out with
	phase                // what careful and exact did, by trigger
	outcome              // what became of the rest
	idle                 // what passes over idle live connections did
	asks                 // what applications asked for
)

// heldMeanings say why a report that was right changed nothing.
var heldMeanings = map[string]string{
	"older":          "a newer sample of the peer is stored",
	"reset":          "the connection migrated, and its window has not grown again",
	"nothing_learnt": "the window is still the initial one, or was never filled, so it tells nothing of the path",
	"shared":         "so many connections report this address that it must be shared by strangers",
	"policy_off":     "the policy of the peer is off",
	"expired":        "it is older than the policy's lifetime",
}

// refusedMeanings say whose move it is.
var refusedMeanings = map[string]string{
	"malformed": "not the message that the agent reads",
	"uid":       "from a user that may not report",
	"rate":      "more than the user's rate",
	"peer":      "about an address that the user may not report",
	"window":    "of a window larger than the user may report",
	"mode":      "asked for mode exact without the right to it",
	"scope":     "lacked the network namespace that the policy needs",
	"store":     "could not be stored",
	"waiting":   "came while there were no maps to store them in",
}

// meanings has every counter of struct resume_stats; a test compares the two.
var meanings = withVerdicts(map[string]meaning{
	"established": {seen, "connections seen", ""},

	"not_a_tcp_socket": {cold, "the connection had no full TCP socket to work on", ""},
	"policy_off": {cold, "the policy of the peer is off",
		"if that is not meant: \"tcpresume policy list\", then \"tcpresume policy set PREFIX --mode careful\""},
	"no_saved_path": {cold, "nothing is stored for the peer",
		"store it with \"tcpresume put\", or have the application report it; drop-in maps count only as the policy's dropin rule says"},
	"path_off":      {cold, "the entry or the policy says off for this peer", "if that is not meant: \"tcpresume get PEER\", then store it with another --mode"},
	"path_unstable": {cold, "the entry was rewritten faster than it could be read", "report less often about one peer"},
	"lifetime_exceeded": {cold, "the entry was older than its lifetime",
		"report more often, or \"tcpresume policy set PREFIX --lifetime DURATION\""},
	"already_in_use": {cold, "another connection holds or has used the entry, which serves one",
		"report again after each use, or \"tcpresume policy set PREFIX --sharing shared\" where each may have it"},
	"window_too_small": {cold, "the stored window gains nothing: less than one segment, or for careful less than six initial windows", "the unit is bytes, not segments: \"tcpresume get PEER\" shows it"},
	"short_path":       {cold, "loopback, or a path with a round trip of less than 2 ms: careful would gain nothing", "mode exact is for whoever wants it there all the same"},
	"no_saved_rtt":     {cold, "careful has no stored RTT to confirm the path by", "store it with \"tcpresume put PEER --rtt\", or have the application report it"},
	"handshake_loss":   {cold, "the handshake lost a packet, so careful left the connection alone", ""},
	"congestion_control_unsupported": {cold, "the socket's congestion control is none of cubic, reno and bbr",
		"\"sysctl net.ipv4.tcp_congestion_control\" shows the default; the application may also choose one"},
	"no_memory":     {cold, "the kernel had no memory for the connection's state", "look at the memory limits of the cgroup"},
	"switch_failed": {cold, "neither the wrapper nor the initial window could be set on the socket", "\"tcpresume doctor\" shows what is missing"},

	"resumed":   {resumed, "started from the stored window and threshold", ""},
	"cwnd_only": {resumed, "started from the stored window only: the congestion control has no wrapper", "the wrappers above say why"},

	"resumed_by_dropin": {outcome, "of the resumed, those from CwndMap and SSThreshMap", ""},

	"applied":                   {phase, "given to the socket at ESTABLISHED", ""},
	"congestion_window_limited": {phase, "jumped: the initial data was acknowledged and the RTT confirmed", ""},
	"rtt_not_validated": {phase, "did not jump: the RTT is not that of the saved path",
		"the path may have changed: \"tcpresume policy set PREFIX --rtt-low --rtt-high\" sets the bounds"},
	"last_unvalidated_packet_sent":          {phase, "began to validate: the jump had left", ""},
	"first_unvalidated_packet_acknowledged": {phase, "began to validate: ACKs of the jump arrived", ""},
	"rtt_exceeded":                          {phase, "began to validate: a round trip had passed", ""},
	"rate_limited":                          {phase, "went on as usual: the application or the receiver did not let the jump out", "\"tcpresume watch\" shows which limit bound the jump"},
	"last_unvalidated_packet_acknowledged":  {phase, "validated: all of the jump arrived", ""},
	"path_changed":                          {phase, "retreated: the RTT fell below the saved path's, or the path's MTU fell", ""},
	"packet_loss":                           {phase, "lost a packet while resuming; after a jump that is a retreat, and the entry is deleted", "the stored window may be too large for the path: \"tcpresume policy set PREFIX --max-jump SIZE\" or --max-cwnd"},
	"ecn_ce":                                {phase, "got a congestion mark while resuming, which counts as a loss", "as for packet_loss"},
	"rto":                                   {phase, "ran into a retransmission timeout while resuming", "the path may have changed: \"tcpresume flush\" forgets what was stored"},
	"exit_recovery":                         {phase, "ended the retreat with a threshold from what was proven", ""},
	"no_gain":                               {phase, "did not jump: the window had grown to a third of it already", ""},
	"in_use_elsewhere":                      {phase, "did not jump: another connection of the path jumped first, or has used the entry", "report again after each use"},
	"expired_meanwhile":                     {phase, "did not jump: the entry expired between ESTABLISHED and the first data", "report more often, or raise the lifetime"},
	"forgotten":                             {phase, "did not jump: the entry was deleted between ESTABLISHED and the first data", ""},
	"window_sent":                           {phase, "exact: sent the stored window once and went on as usual", ""},
	"pipe_full":                             {phase, "found the end of the pipe, by delay or by BBR's own measure", ""},
	"replaced":                              {phase, "somebody chose another congestion control meanwhile", "an application or another sockops program sets TCP_CONGESTION"},
	"turned_off":                            {phase, "did not jump: a report that came before it, or the policy, says off", "if that is not meant: \"tcpresume get PEER\", then store it with another --mode"},
	"draining":                              {phase, "left because tcpresume was taken down", ""},
	"revived":                               {phase, "given to an idle connection that was there already", ""},
	"asked":                                 {phase, "given to a connection because its application asked", ""},
	"closed":                                {phase, "closed", ""},
	"local_congestion":                      {phase, "a queue of this host dropped a packet while resuming; after a jump that is a retreat, but the entry stays", "\"tc -s qdisc\" shows which queue drops"},

	"learnt":                 {outcome, "closed connections that taught the path's window to the next", ""},
	"learnt_too_small":       {outcome, "taught nothing: less than four initial windows in a round trip (RFC 9959 3.1)", ""},
	"learnt_older":           {outcome, "taught nothing: a fresher report stood, or was in use", ""},
	"learnt_short_path":      {outcome, "taught nothing: loopback, or a path with a round trip of less than 2 ms", ""},
	"learnt_operator_stands": {outcome, "taught nothing: what an operator shares, or applies exactly, stands until it expires", ""},
	"learnt_expired":         {outcome, "taught nothing: their best round trip was longer ago than the policy's lifetime", ""},
	"closed_while_resuming": {outcome, "closed before the resume was over",
		"short transfers gain little from a large window; there is nothing wrong"},
	"handed_back":            {outcome, "got their own congestion control back by name", ""},
	"kept_bbr":               {outcome, "keep the wrapper of bbr to the end, as bbr would start over", ""},
	"handback_failed":        {outcome, "could not get their own congestion control back", "is its module still loaded? \"sysctl net.ipv4.tcp_available_congestion_control\""},
	"segments_retransmitted": {outcome, "segments that resumed connections sent again, to their end", "compare with the retransmits of connections that started cold; a stored window may be too large for its path"},
	"reset_sent":             {outcome, "resets that this host sent on resumed connections", ""},
	"reset_received":         {outcome, "resumed connections that the peer reset", ""},
	"events_lost":            {outcome, "events that found no room, as nobody watches or the watcher is slow", ""},
})
