// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Keys of the bucket have one token for each byte of an IPv4 address and each
// 16 bits of an IPv6 address, so that a NATS permission can be a prefix:
// "$KV.tcpresume_fra.v4.203.0.113.*".
const (
	keyV4   = "v4."
	keyV6   = "v6."
	keyNode = "node."
)

// Key is where a peer's latest change is in the bucket.
func Key(peer netip.Addr) string {
	var key []byte
	if peer = peer.Unmap(); peer.Is4() {
		key = append(key, keyV4...)
		for i, b := range peer.As4() {
			if i > 0 {
				key = append(key, '.')
			}
			key = strconv.AppendUint(key, uint64(b), 10)
		}
		return string(key)
	}
	key = append(key, keyV6...)
	bytes := peer.As16()
	for i := 0; i < len(bytes); i += 2 {
		if i > 0 {
			key = append(key, '.')
		}
		key = strconv.AppendUint(key, uint64(binary.BigEndian.Uint16(bytes[i:])), 16)
	}
	return string(key)
}

// ParseKey is the inverse of Key. It takes one spelling of each address only, as
// two keys of one peer would have two latest changes.
func ParseKey(key string) (netip.Addr, error) {
	var peer netip.Addr
	if rest, ok := strings.CutPrefix(key, keyV4); ok {
		peer, _ = netip.ParseAddr(rest)
	} else if rest, ok := strings.CutPrefix(key, keyV6); ok && strings.Count(rest, ".") == 7 {
		peer, _ = netip.ParseAddr(strings.ReplaceAll(rest, ".", ":"))
	}
	if !peer.IsValid() || Key(peer) != key {
		return netip.Addr{}, fmt.Errorf("%.80q is no key of a peer: they look like v4.192.0.2.1", key)
	}
	return peer, resume.CheckPeer(peer)
}
