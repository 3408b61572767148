// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"os"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
)

// Without internet bpfman's default refuses every load, and the doctor knows why.
func TestAirGapped(t *testing.T) {
	m := newMachine(t)
	image := m.push(t)
	check.Must(t, os.WriteFile("/etc/bpfman/bpfman.toml", []byte(strings.Replace(configuration, "false", "true", 1)), 0o644))
	a := m.bpfman(t, "load", "image", "--image-url", image, "--programs", program(watch), "-a", "tcpresume")
	if a.code == 0 {
		t.Error("bpfman verified a signature without internet")
	}
	has(t, "doctor", m.tcpresume(t, "doctor", "--cgroup", m.Cgroup.Path()), "verify_enabled = false below [signing] in /etc/bpfman/bpfman.toml")
	check.Must(t, os.WriteFile("/etc/bpfman/bpfman.toml", []byte(configuration), 0o644))
	m.load(t, image, watch)
	m.up(t)
	has(t, "doctor", m.tcpresume(t, "doctor", "--cgroup", m.Cgroup.Path()), "loads work without internet")
	m.tcpresume(t, "down")
	m.unloadAll(t)
}
