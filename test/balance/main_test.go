// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// loaded serves every test of the package: loading takes seconds.
var loaded *rig.Rig

func TestMain(m *testing.M) { rig.Main(m, &loaded) }

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
	check.Must(t, err)
	s, err := New(ctx, loaded, path)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, s.Close()) })
	for _, one := range s.Servers {
		part, err := one.Join(ctx)
		check.Must(t, err)
		check.Eventually(t, patience, "joining", func() bool { return part.Status().State == fleet.StateLive })
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
