// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// held is what of ours is in the kernel: maps by id, and the links of programs
// that use one of them.
type held struct {
	maps  []ebpf.MapID
	links []string
}

func (s *site) nowHeld(t testing.TB) held {
	t.Helper()
	h := held{maps: s.held.maps}
	found, err := filepath.Glob(filepath.Join(loader.MapsDir(loader.DefaultPins), "*"))
	check.Must(t, err)
	for _, pin := range found {
		m, err := ebpf.LoadPinnedMap(pin, nil)
		check.Must(t, err)
		info, err := m.Info()
		check.Must(t, err)
		if id, ok := info.ID(); ok && !slices.Contains(h.maps, id) {
			h.maps = append(h.maps, id)
		}
		m.Close()
	}
	h.links = h.linked()
	return h
}

// left is what of it is still there.
func (h held) left(t testing.TB) []string {
	t.Helper()
	all := h.linked()
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			break
		}
		if id = next; h.uses(id) {
			all = append(all, fmt.Sprintf("program %d", id))
		}
	}
	for _, id := range h.maps {
		if m, err := ebpf.NewMapFromID(id); err == nil {
			all = append(all, fmt.Sprintf("map %d", id))
			m.Close()
		}
	}
	return all
}

func (h held) linked() (all []string) {
	for each := new(link.Iterator); each.Next(); {
		info, err := each.Link.Info()
		if err == nil && h.uses(info.Program) {
			all = append(all, fmt.Sprintf("link %d", info.ID))
		}
	}
	return all
}

func (h held) uses(id ebpf.ProgramID) bool {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return false
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return false
	}
	used, _ := info.MapIDs()
	return slices.ContainsFunc(used, func(id ebpf.MapID) bool { return slices.Contains(h.maps, id) })
}

// pinned are all files and directories of the private bpffs.
func pinned(t testing.TB) (all []string) {
	t.Helper()
	check.Must(t, filepath.WalkDir("/sys/fs/bpf", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}

func beyond[T comparable](got, known []T) (extra []T) {
	for _, each := range got {
		if !slices.Contains(known, each) {
			extra = append(extra, each)
		}
	}
	return extra
}

// peerOf numbers addresses of IPv4 and networks of IPv6, which are what has an entry.
func peerOf(i int) netip.Addr {
	if i%2 == 0 {
		return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)})
}

func stored(peer netip.Addr) resume.Path {
	return resume.Path{
		Peer: peer, Cwnd: 300_000, Ssthresh: 400_000, RTT: 20 * time.Millisecond,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
	}
}

func pathsFrom(first, n int) (all []resume.Path) {
	for i := range n {
		all = append(all, stored(peerOf(first+i)))
	}
	return all
}

// aged leaves out what runs down.
func aged(e pathstore.Entry) pathstore.Entry {
	e.TTL, e.Age = 0, 0
	return e
}

func counter(t testing.TB, store *pathstore.Store, name string) uint64 {
	t.Helper()
	all, err := store.Counters()
	check.Must(t, err)
	for _, c := range all {
		if c.Name == name {
			return c.Value
		}
	}
	t.Fatalf("no counter %s", name)
	return 0
}
