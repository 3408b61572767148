// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"net/netip"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

const (
	smallMap = 4096
	tooMany  = 10 * smallMap
)

// The map makes room by itself; whoever is reported now is there now.
func TestMapFull(t *testing.T) {
	s := newSite(t, "map of 4096 paths given 40 960", smallMap)
	a := s.agent(t)
	defer a.Kill()
	store := s.open(t)
	defer store.Close()
	reports := startReporting(s)
	defer reports.stop()
	paths := pathsFrom(1<<22, tooMany)
	for len(paths) > 0 {
		part := paths[:256]
		n, err := store.PutAll(part)
		if err != nil || n != len(part) {
			t.Fatalf("%d stored, %v", n, err)
		}
		paths = paths[len(part):]
		s.row.Times += n
		before := reports.answered.Load()
		check.Eventually(t, patience, "reports are answered", func() bool { return reports.answered.Load() > before })
		for _, peer := range loopbacks { // an operator's entry in use is not kept for long by an LRU map
			_, err := store.Put(stored(peer))
			check.Must(t, err)
		}
	}
	n := 0
	for _, err := range store.Entries() {
		check.Must(t, err)
		n++
	}
	if n == 0 || n > smallMap {
		t.Errorf("%d entries in a map of %d", n, smallMap)
	}
	s.kept, s.row.Paths = map[netip.Addr]pathstore.Entry{}, n
	s.check(t)
	check.Must(t, a.Stop())
	s.row.Cost = "the kernel drops the least recently used ones"
}
