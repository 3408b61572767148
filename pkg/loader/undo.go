// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"slices"
)

// undo collects what to take back if a later step fails.
type undo []func() error

func (u *undo) add(step func() error) { *u = append(*u, step) }

// run takes everything back, the latest first, and reports what would not go.
func (u *undo) run() error {
	var errs []error
	for _, step := range slices.Backward(*u) {
		errs = append(errs, step())
	}
	*u = nil
	return errors.Join(errs...)
}
