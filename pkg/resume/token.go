// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// ScopeToken is the Scope of a Path whose Peer is not an address but a token:
// what an application calls a client whose address may change.
const ScopeToken = math.MaxUint64

// ScopeAsked marks, in a Scope, state that an application asked for itself with.
const ScopeAsked = 1 << 63

const tokenPrefix = "token:"

// TokenOf makes a token of something only the application and its client know,
// such as a session's id: whoever knows a token can have its path.
func TokenOf(secret []byte) netip.Addr {
	digest := sha256.Sum256(secret)
	return netip.AddrFrom16([16]byte(digest[:16]))
}

// ParseToken reads "token:" and 32 hexadecimal digits; ok is false for any other text.
func ParseToken(text string) (token netip.Addr, ok bool, err error) {
	digits, ok := strings.CutPrefix(text, tokenPrefix)
	if !ok {
		return token, false, nil
	}
	bytes, err := hex.DecodeString(digits)
	if err != nil || len(bytes) != 16 {
		return token, true, fmt.Errorf("not a token: give %s and 32 hexadecimal digits", tokenPrefix) // nearly a secret, perhaps
	}
	return netip.AddrFrom16([16]byte(bytes)), true, nil
}

// FormatToken is the inverse of ParseToken.
func FormatToken(token netip.Addr) string {
	bytes := token.As16()
	return tokenPrefix + hex.EncodeToString(bytes[:])
}

// ParseKey reads whom a path is for: the address of a peer, or a token, whose
// scope is ScopeToken.
func ParseKey(text string) (peer netip.Addr, scope uint64, err error) {
	if token, ok, err := ParseToken(text); ok {
		return token, ScopeToken, err
	}
	peer, err = ParsePeer(text)
	return peer, 0, err
}

// FormatKey is the inverse of ParseKey.
func FormatKey(peer netip.Addr, scope uint64) string {
	if scope == ScopeToken {
		return FormatToken(peer)
	}
	return peer.String()
}

// ErrorKey names a path in an error, which may end in a log: a token is a secret.
func ErrorKey(peer netip.Addr, scope uint64) string {
	if scope == ScopeToken {
		return "the token"
	}
	return "peer " + peer.String()
}
