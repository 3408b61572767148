// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeDir makes a directory that is locked while it is used, and removes those
// that a killed test left.
func (c *Cluster) makeDir() (err error) {
	const name = "tcpresume-kube-*"
	old, _ := filepath.Glob(filepath.Join(os.TempDir(), name))
	for _, dir := range old {
		if held, err := lock(dir); err == nil {
			_ = os.RemoveAll(dir)
			held.Close()
		}
	}
	if c.dir, err = os.MkdirTemp("", name); err != nil {
		return err
	}
	c.held, err = lock(c.dir)
	return err
}

func lock(dir string) (*os.File, error) {
	held, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		held.Close()
		return nil, err
	}
	return held, nil
}
