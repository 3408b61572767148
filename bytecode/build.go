// SPDX-License-Identifier: Apache-2.0

package bytecode

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Build names this set of objects: equal objects have equal numbers.
var Build = sync.OnceValue(func() uint64 {
	digest := sha256.New()
	for _, object := range [][]byte{_KernelBytes, _CubicBytes, _RenoBytes, _BbrBytes, _OlderBytes, _LiveBytes, _AskBytes} {
		digest.Write(object)
	}
	return binary.BigEndian.Uint64(digest.Sum(nil))
})
