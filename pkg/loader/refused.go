// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// refused says why Up would turn these options down over what is pinned, before
// anybody tries; the zero finding if it would not.
func refused(opts Options, state State) Finding {
	if err := foreignLayout(opts); err != nil {
		return Finding{"tcpresume", Problem, err.Error(), "by the version that made them: \"tcpresume dump > paths\", \"tcpresume down\"; then \"tcpresume up\" and \"tcpresume load paths\""}
	}
	if opts.Cgroup == "" || state.CgroupID == 0 {
		return Finding{}
	}
	want, err := findCgroup(opts.Cgroup)
	if err != nil {
		return Finding{} // has a finding of its own
	}
	if id, err := cgroupID(want); err == nil && id != state.CgroupID {
		return Finding{"tcpresume", Warning, fmt.Sprintf("loaded on %s: \"tcpresume up --cgroup %s\" is refused", state.Cgroup, want), "\"tcpresume down\" first, to move it"}
	}
	return Finding{}
}

// foreignLayout looks for pinned maps that this version cannot use.
func foreignLayout(opts Options) error {
	maps, err := pinnedMaps(opts)
	if err != nil {
		return nil // without rights, which has a finding of its own
	}
	defer maps.close()
	for name, m := range maps {
		if err := pathstore.CheckLayout(name, m); err != nil {
			return err
		}
	}
	return nil
}

// replaces is how another version takes the place of what runs.
func replaces(state State) string {
	if state.ServedBy != 0 {
		return fmt.Sprintf("stop \"tcpresume up\" (pid %d), or have its service restarted: the next one replaces it while connections live", state.ServedBy)
	}
	return "\"tcpresume up\" replaces it while connections live"
}
