// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"fmt"
	"strings"
)

// Mode says when stored windows take effect.
type Mode string

// ModePolicy, in an entry, leaves the mode to the policy of its prefix.
const (
	ModePolicy  Mode = "policy"
	ModeOff     Mode = "off"
	ModeExact   Mode = "exact"   // cwnd and ssthresh as stored, before the first byte
	ModeCareful Mode = "careful" // RFC 9959 Careful Resume
)

// Sharing says how many connections may use one entry.
type Sharing string

// SharingPolicy, in an entry, leaves it to the policy of its prefix.
const (
	SharingPolicy Sharing = "policy"
	SharingSingle Sharing = "single" // one connection, once
	SharingShared Sharing = "shared" // each connection gets the same
)

// Source says who wrote an entry.
type Source string

// The writers of entries.
const (
	SourceOperator    Source = "operator"
	SourceApplication Source = "application"
	SourceLearnt      Source = "learnt"
	SourceDropin      Source = "dropin"
	SourceFleet       Source = "fleet" // another machine
)

// Scope says whether one key serves the host or each network namespace has its own.
type Scope string

// The scopes of a key.
const (
	ScopeHost  Scope = "host"
	ScopeNetns Scope = "netns"
)

// Dropin says when the maps of the original fallback system count.
type Dropin string

// DropinFallback asks FallbackMap[0]; DropinAlways takes CwndMap by itself.
const (
	DropinFallback Dropin = "fallback"
	DropinAlways   Dropin = "always"
	DropinNever    Dropin = "never"
)

// Live says whether a stored path reaches connections that its peer has already.
type Live string

// LiveIdle reaches those that send nothing just then; they resume carefully at their next send.
const (
	LiveIdle  Live = "idle"
	LiveNever Live = "never"
)

// The values each word may take, for errors, completion and documentation.
var (
	Modes          = []Mode{ModePolicy, ModeOff, ModeExact, ModeCareful}
	PolicyModes    = []Mode{ModeOff, ModeExact, ModeCareful}
	Sharings       = []Sharing{SharingPolicy, SharingSingle, SharingShared}
	PolicySharings = []Sharing{SharingSingle, SharingShared}
	Sources        = []Source{SourceOperator, SourceApplication, SourceLearnt, SourceDropin, SourceFleet}
	Scopes         = []Scope{ScopeHost, ScopeNetns}
	Lives          = []Live{LiveIdle, LiveNever}
	Dropins        = []Dropin{DropinFallback, DropinAlways, DropinNever}
)

// ParseWord returns the allowed word that text is, or an error that names all of them.
func ParseWord[W ~string](what, text string, allowed []W) (W, error) {
	for _, word := range allowed {
		if string(word) == text {
			return word, nil
		}
	}
	names := make([]string, len(allowed))
	for i, word := range allowed {
		names[i] = string(word)
	}
	return "", fmt.Errorf("%q is not a %s: use %s", text, what, strings.Join(names, ", "))
}
