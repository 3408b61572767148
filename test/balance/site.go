// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	port     = 443
	patience = 10 * time.Second
)

// Site is two servers behind one address.
type Site struct {
	*lab.Lab
	Rig      *rig.Rig
	VIP4     netip.Addr
	VIP6     netip.Addr
	Servers  []*Server
	nats     *server.Server
	dir      string
	stop     context.CancelFunc
	accepted chan arrival
	landed   chan *Server
	ended    chan struct{}
}

// New builds a site on a loaded tcpresume. The caller must Close it.
func New(ctx context.Context, r *rig.Rig, path lab.Path) (_ *Site, err error) {
	s := &Site{
		Rig: r, VIP4: netip.MustParseAddr("198.19.0.100"), VIP6: netip.MustParseAddr("fd00:19::100"),
		accepted: make(chan arrival, 64), landed: make(chan *Server, 64), ended: make(chan struct{}),
	}
	ctx, s.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	policy := resume.DefaultPolicy()
	policy.Scope, policy.Learn = resume.ScopeNetns, false
	if err := r.Store.SetPolicy(pathstore.Rule{Policy: policy}); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "tcpresume-site"); err != nil {
		return nil, err
	}
	if err := s.startNATS(); err != nil {
		return nil, err
	}
	if s.Lab, err = lab.New(path); err != nil {
		return nil, err
	}
	hosts, err := s.Backends(2, s.VIP4, s.VIP6)
	if err != nil {
		return nil, err
	}
	for i, host := range hosts {
		one, err := s.newServer(ctx, string(rune('A'+i)), host)
		if err != nil {
			return nil, err
		}
		s.Servers = append(s.Servers, one)
	}
	go s.watch(ctx)
	return s, nil
}

func (s *Site) startNATS() error {
	nats, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: s.dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return err
	}
	s.nats = nats
	if nats.Start(); !nats.ReadyForConnections(patience) {
		return errors.New("the NATS server did not start")
	}
	return nil
}

// watch hands the events of the one ring to both agents.
func (s *Site) watch(ctx context.Context) {
	defer close(s.ended)
	_ = s.Rig.Store.Watch(ctx, func(e pathstore.Event) error {
		for _, one := range s.Servers {
			select {
			case one.events <- e:
			default: // one that does not keep up would hold the other
			}
		}
		return nil
	})
}

// Close takes the site down.
func (s *Site) Close() error {
	s.stop()
	var errs []error
	for _, one := range s.Servers {
		errs = append(errs, one.close())
	}
	if len(s.Servers) == 2 {
		<-s.ended
	}
	if s.Lab != nil {
		errs = append(errs, s.Lab.Close())
	}
	if s.nats != nil {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// VIP is the address of the wanted family.
func (s *Site) VIP(ipv6 bool) netip.Addr {
	if ipv6 {
		return s.VIP6
	}
	return s.VIP4
}

// Other is the other server.
func (s *Site) Other(than *Server) *Server {
	for _, one := range s.Servers {
		if one != than {
			return one
		}
	}
	panic(fmt.Sprintf("no server beside %s", than.Name))
}
