// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"cmp"
	"fmt"
	"slices"
)

// Median is the middle value, of an even number the upper one, of none zero.
func Median[T cmp.Ordered](values []T) (middle T) {
	if len(values) == 0 {
		return middle
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// Size writes bytes as people do: 100 kB, 10 MB.
func Size(bytes int) string {
	if bytes >= 1e6 {
		return fmt.Sprintf("%g MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%g kB", float64(bytes)/1e3)
}
