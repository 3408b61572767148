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
	outcome              // what became of the resumed
)

// meanings has every counter of struct resume_stats; a test compares the two.
var meanings = map[string]meaning{
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
	"window_too_small": {cold, "the stored window is less than one segment", "the unit is bytes, not segments: \"tcpresume get PEER\" shows it"},
	"mode_unavailable": {cold, "the loaded version cannot do the mode of the entry", "use --mode exact where that is safe, or \"tcpresume up\" with a newer version"},
	"congestion_control_unsupported": {cold, "the socket's congestion control is none of cubic, reno and bbr",
		"\"sysctl net.ipv4.tcp_congestion_control\" shows the default; the application may also choose one"},
	"no_memory":     {cold, "the kernel had no memory for the connection's state", "look at the memory limits of the cgroup"},
	"switch_failed": {cold, "neither the wrapper nor the initial window could be set on the socket", "\"tcpresume doctor\" shows what is missing"},

	"resumed":   {resumed, "started from the stored window and threshold", ""},
	"cwnd_only": {resumed, "started from the stored window only: the congestion control has no wrapper", "the wrappers above say why"},

	"resumed_by_dropin": {outcome, "of the resumed, those from CwndMap and SSThreshMap", ""},
	"window_sent":       {outcome, "sent the stored window once and went on as usual", ""},
	"packet_loss":       {outcome, "lost a packet before the stored window was sent", "the stored window may be too large for the path: store less, or \"tcpresume policy set PREFIX --max-cwnd SIZE\""},
	"ecn_ce":            {outcome, "got a congestion mark before the stored window was sent", "the stored window may be too large for the path"},
	"rto":               {outcome, "ran into a retransmission timeout before the stored window was sent", "the path may have changed: \"tcpresume flush\" forgets what was stored"},
	"replaced":          {outcome, "somebody chose another congestion control meanwhile", "an application or another sockops program sets TCP_CONGESTION"},
	"closed_before_window_sent": {outcome, "closed before the stored window was sent",
		"short transfers gain little from a large window; there is nothing wrong"},
	"handed_back":     {outcome, "got their own congestion control back by name", ""},
	"kept_bbr":        {outcome, "keep the wrapper of bbr to the end, as bbr would start over", ""},
	"handback_failed": {outcome, "could not get their own congestion control back", "is its module still loaded? \"sysctl net.ipv4.tcp_available_congestion_control\""},
	"events_lost":     {outcome, "events that found no room, as nobody watches or the watcher is slow", ""},
}
