// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"os"
	"strings"
)

// Sysctl sets a variable such as net.ipv4.tcp_rmem inside the host. Only names
// below net are taken, because all others belong to the whole machine.
func (h *Host) Sysctl(key, value string) error {
	path, err := sysctlPath(key)
	if err != nil {
		return err
	}
	return h.Do(func() error {
		if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
			return fmt.Errorf("set sysctl %s of %s to %q (not every kernel has it per namespace): %w", key, h.Name, value, err)
		}
		return nil
	})
}

// ReadSysctl returns a variable of the host, its fields separated by one space.
func (h *Host) ReadSysctl(key string) (string, error) {
	path, err := sysctlPath(key)
	if err != nil {
		return "", err
	}
	var text []byte
	err = h.Do(func() error {
		if text, err = os.ReadFile(path); err != nil {
			return fmt.Errorf("read sysctl %s of %s: %w", key, h.Name, err)
		}
		return nil
	})
	return strings.Join(strings.Fields(string(text)), " "), err
}

func sysctlPath(key string) (string, error) {
	name, ok := strings.CutPrefix(key, "net.")
	if !ok || strings.Contains(name, "..") {
		return "", fmt.Errorf("sysctl %q is not of a network namespace: give a name such as net.ipv4.tcp_rmem", key)
	}
	return "/proc/sys/net/" + strings.ReplaceAll(name, ".", "/"), nil
}
