// SPDX-License-Identifier: Apache-2.0

// Package wall dates what has happened by the clock as it is now.
//
// It owns the difference between a clock that may be set, as by NTP soon after
// boot, and the one by which time passes. It refuses to format anything.
//
// Arrow: wall -> standard library
package wall

import "time"

// Date is when the wall clock, as it is set now, showed the moment t, which
// time.Now has returned in this process. The zero time stays as it is.
func Date(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	now := time.Now()
	return now.Add(-now.Sub(t))
}
