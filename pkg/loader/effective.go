// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrDetached is wrapped by errors about a kernel part that is pinned and does nothing.
var ErrDetached = errors.New("connections start cold")

// Effective says why connections start cold although maps are pinned: the
// program was detached, or a congestion control unregistered, by somebody else.
// It needs no capability. What is out of sight or out of reach is not judged.
func Effective(opts Options) error {
	opts = opts.filled()
	if _, err := os.Stat(linkPin(opts.Pins, "")); err != nil {
		return nil // maps may be mounted where the links are not
	}
	running, err := openAttached(opts.Pins)
	switch {
	case isRights(err):
		return nil
	case err != nil:
		return err
	case running == nil:
		return fmt.Errorf("%w: no program is pinned under %s any more; run \"tcpresume up\"", ErrDetached, opts.Pins)
	}
	defer running.Close()
	if running.cgroupID == 0 {
		return fmt.Errorf("%w: the program is attached to no cgroup any more; run \"tcpresume up\", with --cgroup if it was on one", ErrDetached)
	}
	for _, w := range wrappers {
		var stat unix.Stat_t
		if unix.Stat(linkPin(opts.Pins, w.name), &stat) != nil {
			continue // going without it, or registered by its map
		}
		if there, err := congestionControl(w.name); err == nil && !there {
			return fmt.Errorf("%w: %s is pinned and not registered any more; run \"tcpresume down\" and \"tcpresume up\"", ErrDetached, w.name)
		}
	}
	return nil
}
