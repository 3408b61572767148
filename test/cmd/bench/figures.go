// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// middle returns the element that is the median by a figure; of an even number the lower.
func middle[T any, N cmp.Ordered](all []T, figure func(T) N) T {
	sorted := slices.SortedFunc(slices.Values(all), func(a, b T) int { return cmp.Compare(figure(a), figure(b)) })
	return sorted[(len(sorted)-1)/2]
}

func median(all []float64) float64 {
	return middle(all, func(f float64) float64 { return f })
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func milliseconds(ms float64) string { return fmt.Sprintf("%.0f ms", ms) }

// grouped writes 1048576 as 1 048 576.
func grouped[N ~int | ~uint64 | ~uint32 | ~int64](n N) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + " " + digits[i:]
	}
	return digits
}
