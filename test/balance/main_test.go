// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package: loading takes seconds.
var loaded *rig.Rig

func TestMain(m *testing.M) {
	rig.Isolate(func() int {
		var err error
		if loaded, err = rig.New(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		code := m.Run()
		if err := loaded.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

var (
	longPath  = lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}
	smallPath = lab.Path{RTT: 60 * time.Millisecond, Rate: 20e6}
)

// site is a Site whose servers share paths.
func site(t *testing.T, path lab.Path) (context.Context, *Site) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	_, err := loaded.Store.Flush()
	must(t, err)
	s, err := New(ctx, loaded, path)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	for _, one := range s.Servers {
		part, err := one.Join(ctx)
		must(t, err)
		eventually(t, "joining", func() bool { return part.Status().State == fleet.StateLive })
	}
	return ctx, s
}

func (s *Site) client(ipv6 bool) netip.Addr { return s.Client.Addr(ipv6) }

// gone tells whether the next connection of a peer to a server finds nothing to use.
func (s *Server) gone(peer netip.Addr) bool {
	e, err := s.Entry(peer)
	return err != nil || e.State == pathstore.StateSpent
}

func (s *Server) free(peer netip.Addr) bool {
	e, err := s.Entry(peer)
	return err == nil && e.State == pathstore.StateFree
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// eventually waits until done holds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}
