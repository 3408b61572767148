// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

// What connections that vanish, and other programs that own the maps, leave in
// them is written as they would.

func pinned(t *testing.T, name string) *ebpf.Map {
	t.Helper()
	m, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(loader.DefaultPins), name), nil)
	check.Must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func keyOf(peer netip.Addr) bytecode.KernelResumePeer {
	return bytecode.KernelResumePeer{Addr: peer.As16()}
}

// rewrite changes the entry of a peer, sealed unless the change claims it.
func rewrite(t *testing.T, peer netip.Addr, change func(*bytecode.KernelResumePath)) {
	t.Helper()
	paths, key := pinned(t, bytecode.KernelMapResumePaths), keyOf(peer)
	var val bytecode.KernelResumePath
	check.Must(t, paths.Lookup(&key, &val))
	const somebody = 1
	val.Claim = somebody
	change(&val)
	if mode := val.Mode; val.Claim == somebody {
		val.Mode = uint8(bytecode.KernelResumeModeRESUME_MODE_CAREFUL) // which it seals
		pathstore.Settle(&key, &val)
		check.Same(t, "mode of what can be sealed", mode, val.Mode)
	}
	check.Must(t, paths.Put(&key, &val))
}

// bootTime is the clock of the maps, moved.
func bootTime(t *testing.T, by time.Duration) uint64 {
	t.Helper()
	var now unix.Timespec
	check.Must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	return uint64(now.Nano() + int64(by))
}
