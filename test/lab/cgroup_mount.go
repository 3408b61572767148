// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

var errNoCgroup2 = errors.New("no cgroup v2 file system is mounted: mount -t cgroup2 none /sys/fs/cgroup/unified")

// cgroupRoot returns where the cgroup v2 hierarchy is mounted.
func cgroupRoot() (string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("find cgroup v2: %w", err)
	}
	if mount, ok := cgroup2Mount(table); ok {
		return mount, nil
	}
	return "", errNoCgroup2
}

// cgroup2Mount takes only a mount of the whole hierarchy, because the cgroup that
// the process is in must be found below it again.
func cgroup2Mount(table []byte) (string, bool) {
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		mount, filesystem, ok := strings.Cut(lines.Text(), " - ")
		if !ok || !strings.HasPrefix(filesystem, "cgroup2 ") {
			continue
		}
		fields := strings.Fields(mount)
		const root, point = 3, 4
		if len(fields) > point && fields[root] == "/" {
			return fields[point], true
		}
	}
	return "", false
}

// currentCgroup returns the directory of the cgroup v2 that the process is in.
func currentCgroup() (string, error) {
	root, err := cgroupRoot()
	if err != nil {
		return "", err
	}
	table, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", fmt.Errorf("find the cgroup of this process: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		if path, ok := strings.CutPrefix(lines.Text(), "0::"); ok {
			return filepath.Join(root, path), nil
		}
	}
	return "", fmt.Errorf("find the cgroup of this process: %w", errNoCgroup2)
}
