// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// meter is the cgroup by which the node's memory is counted: its only one where
// cgroup v2 counts, else one more, of cgroup v1.
type meter struct {
	path, file string
	own        bool
}

func newMeter(v2 string) (*meter, error) {
	if _, err := os.Stat(filepath.Join(v2, "memory.peak")); err == nil {
		return &meter{path: v2, file: "memory.peak"}, nil
	}
	hierarchy, err := memoryHierarchy()
	if err != nil {
		return nil, err
	}
	const prefix = "tcpresume-node-"
	old, _ := filepath.Glob(filepath.Join(hierarchy, prefix+"*"))
	for _, path := range old {
		_ = os.Remove(path) // refused while processes are in it
	}
	m := &meter{path: filepath.Join(hierarchy, prefix+strconv.Itoa(os.Getpid())), file: "memory.max_usage_in_bytes", own: true}
	return m, os.Mkdir(m.path, 0o755)
}

func memoryHierarchy() (string, error) {
	table, err := os.Open("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	defer table.Close()
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if fields[2] == "cgroup" && strings.Contains(","+fields[3]+",", ",memory,") {
			return fields[1], nil
		}
	}
	return "", errors.New("neither cgroup v2 nor v1 counts memory here")
}

// peak is the most that the node has held, in MB.
func (m *meter) peak() string {
	text, err := os.ReadFile(filepath.Join(m.path, m.file))
	if err != nil {
		return err.Error()
	}
	bytes, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d MB", bytes/1e6)
}

func (m *meter) close() error {
	if !m.own {
		return nil
	}
	return os.Remove(m.path)
}
