// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

// writer is an application that owns nothing but the maps mounted for it.
const writer = 1500

// The verbs work on a directory as bpfman's CSI driver mounts it, for a process
// without any capability, and mean the very maps that are in use.
func TestAWriterWithoutCapabilities(t *testing.T) {
	m := newMachine(t)
	loaded := m.load(t, m.push(t), watch)[watch]
	m.up(t)
	volume := m.volume(t, mapsOf(loaded), 0o660)

	peer := m.Client.IPv4.String()
	m.write(t, 0, volume, "policy", "set", "default", "--mode", "exact", "--sharing", "shared")
	m.write(t, 0, volume, "put", peer, "--cwnd", "100000")
	p := m.connect(t, false)
	check.Same(t, "resumed", p.start(t), p.resumed(t, 100_000))
	has(t, "get", m.write(t, 0, volume, "get", peer).out, "100000")
	dump := m.write(t, 0, volume, "dump").out
	m.write(t, 0, volume, "delete", peer)
	m.write(t, 4, volume, "get", peer)
	paths := filepath.Join(t.TempDir(), "paths")
	check.Must(t, os.WriteFile(paths, []byte(dump), 0o644))
	check.Must(t, os.Chmod(filepath.Dir(paths), 0o755))
	check.Must(t, os.Chmod(filepath.Dir(filepath.Dir(paths)), 0o755))
	m.write(t, 0, volume, "load", paths)
	p = m.connect(t, false)
	check.Same(t, "resumed", p.start(t), p.resumed(t, 100_000))
	has(t, "status", m.write(t, 0, volume, "status").out, "2 resumed")
	has(t, "list", m.write(t, 0, volume, "list").out, peer)
	m.write(t, 0, volume, "flush")
	check.Same(t, "stored paths", m.status(t).Paths["free"], 0)

	// Without the group there is nothing to be had, and the answer says so.
	closed := m.volume(t, mapsOf(loaded), 0o600)
	has(t, "complaint", m.write(t, 5, closed, "list").complaint, "permission denied")
	m.tcpresume(t, "down")
	m.unloadAll(t)
}

// volume mounts a bpffs with the maps an application needs, as the driver of
// bpfman does with an fsGroup.
func (m *machine) volume(t testing.TB, maps string, mode os.FileMode) string {
	t.Helper()
	at := filepath.Join("/run", "csi-"+mode.String()[1:])
	check.Must(t, os.MkdirAll(at, 0o755))
	mount(t, "bpf", at, "mode=1777")
	for _, name := range pathstore.Maps {
		pinned, err := ebpf.LoadPinnedMap(filepath.Join(maps, name), nil)
		check.Must(t, err)
		copied, err := pinned.Clone() // one pin each
		check.Must(t, err)
		check.Must(t, copied.Pin(filepath.Join(at, name)))
		check.Must(t, os.Chown(filepath.Join(at, name), 0, writer))
		check.Must(t, os.Chmod(filepath.Join(at, name), mode))
		copied.Close()
		pinned.Close()
	}
	return at
}

// write runs a verb as the writer, and wants that exit code.
func (m *machine) write(t testing.TB, code int, maps string, arguments ...string) answer {
	t.Helper()
	arguments = append(arguments, "--maps", maps)
	cmd := m.command(nil, tcpresumePath, arguments...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: writer, Gid: writer}}
	a := m.run(t, "tcpresume "+strings.Join(arguments, " ")+"   # as uid 1500, no capability", cmd)
	check.Same(t, "exit code of "+arguments[0], a.code, code)
	return a
}
