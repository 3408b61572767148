// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"unsafe"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	claimFree  = uint64(1) << 63 // RESUME_FREE in bpf/layout.h
	claimSpent = ^claimFree      // RESUME_SPENT
)

// seal is path_seal of bpf/claim.h; a test runs both over the same entries.
func seal(key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath) uint64 {
	h := uint64(1)
	for _, w := range unsafe.Slice((*uint64)(unsafe.Pointer(key)), unsafe.Sizeof(*key)/8) {
		h = sealWord(h, w)
	}
	words := unsafe.Slice((*uint64)(unsafe.Pointer(val)), unsafe.Offsetof(val.Uses)/8)
	for _, w := range words[1:] { // the first is the claim word itself
		h = sealWord(h, w)
	}
	return h | claimFree
}

func sealWord(h, w uint64) uint64 {
	h = (h ^ w) * 0x9e3779b97f4a7c15
	return h ^ h>>32
}

// isClaimed tells whether the claim word is the cookie of a connection.
func isClaimed(val *bytecode.KernelResumePath) bool {
	return val.Claim&claimFree == 0 && val.Claim != claimSpent
}

// Settle ends a claim whose connection can no longer end it, as what it
// remembers of itself stays behind: a learnt or careful entry is free again, any
// other has served.
func Settle(key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath) {
	switch {
	case !isClaimed(val):
	case resume.Mode(word("resume_mode", val.Mode)) == resume.ModeCareful:
		val.Claim = seal(key, val)
	default:
		val.Claim = claimSpent
	}
}
