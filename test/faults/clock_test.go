// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

// A container may have a boot clock of its own; the kernel's programs have not.
func TestClockJumps(t *testing.T) {
	s := newSite(t, "boot clock of the writer a day ahead and half an hour behind (time namespaces)", 0)
	store := s.open(t)
	defer store.Close()
	for i := range 10 {
		offset := []string{"86400", "-1800"}[i%2]
		peer := peerOf(1<<17 + i)
		cmd := s.command("put", peer.String(), "--cwnd", "300000", "--ttl", "1m")
		cmd.Args = append([]string{"unshare", "--time", "--boottime", offset, "--fork", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/usr/bin/unshare"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
		entry, err := store.Get(peer, 0)
		check.Must(t, err)
		if entry.State != pathstore.StateFree || entry.TTL <= 0 || entry.TTL > time.Minute || entry.Age < 0 {
			t.Errorf("boot clock %s s off: the entry is %s, for %v, %v old; want one that is free for at most 1m", offset, entry.State, entry.TTL, entry.Age)
		}
		s.row.Times++
		s.check(t)
	}
}
