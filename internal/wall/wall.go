// SPDX-License-Identifier: Apache-2.0

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
