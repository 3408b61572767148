// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Server is one of the servers: a namespace, an agent and, once joined, its part
// in the fleet.
type Server struct {
	*lab.Host
	Name  string
	Netns uint64 // cookie

	site     *Site
	dir      string
	events   chan pathstore.Event
	reporter *client.Reporter
	agent    *agent.Agent
	listener net.Listener
	quic     *net.UDPConn
	work     sync.WaitGroup

	mu    sync.Mutex
	fleet *fleet.Fleet
	leave func()
}

func (s *Site) newServer(ctx context.Context, name string, host *lab.Host) (_ *Server, err error) {
	one := &Server{Host: host, Name: name, site: s, dir: filepath.Join(s.dir, name), events: make(chan pathstore.Event, 4096), leave: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, one.close())
		}
	}()
	if one.listener, err = host.Listen(ctx, lab.ListenSpec{Addr: netip.AddrPortFrom(netip.Addr{}, port), Cgroup: s.Rig.Cgroup}); err != nil {
		return nil, err
	}
	if err := host.Do(func() (err error) {
		one.quic, err = net.ListenUDP("udp", &net.UDPAddr{Port: port})
		return err
	}); err != nil {
		return nil, err
	}
	if err := lab.Control(one.listener.(*net.TCPListener), func(fd int) (err error) {
		one.Netns, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	}); err != nil {
		return nil, err
	}
	if err := one.startAgent(ctx); err != nil {
		return nil, err
	}
	one.work.Go(one.accept)
	one.work.Go(one.meet)
	return one, nil
}

func (s *Server) startAgent(ctx context.Context) error {
	config := agent.DefaultConfig()
	everybody := []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16"), netip.MustParsePrefix("fd00:18::/32")}
	config.Callers = []agent.Caller{{UIDs: []uint32{0}, Peers: everybody, Rate: agent.DefaultRate, Burst: agent.DefaultRate, MaxPaths: agent.DefaultMaxPaths, MaxCwnd: agent.DefaultMaxCwnd}}
	sockets, err := agent.Listen(s.dir, -1)
	if err != nil {
		return err
	}
	s.agent = agent.New(agent.Options{Config: config, Paths: s.site.Rig.Store.Writer(), Observers: []agent.Observer{s}, Events: s.eachEvent, OnEvent: s.happened})
	s.work.Go(func() { _ = s.agent.Serve(ctx, sockets) })
	s.reporter = client.New(client.Options{Dir: s.dir, Patience: patience})
	return nil
}

// Reported is the agent's seam for the fleet, as is happened.
func (s *Server) Reported(o agent.Outcome) {
	if part := s.part(); part != nil && o.Result == agent.Stored {
		part.Look(o.Path.Peer)
	}
}

func (s *Server) happened(e pathstore.Event) {
	if part := s.part(); part != nil {
		part.Event(e)
	}
}

func (s *Server) part() *fleet.Fleet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fleet
}

func (s *Server) eachEvent(ctx context.Context, each func(pathstore.Event) error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-s.events:
			if err := each(e); err != nil {
				return err
			}
		}
	}
}

// Join makes the server's agent a part of the fleet.
func (s *Server) Join(ctx context.Context) (*fleet.Fleet, error) {
	config := fleet.DefaultConfig()
	config.URL, config.Name, config.Site = s.site.nats.ClientURL(), s.Name, "balance"
	config.Out = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16"), netip.MustParsePrefix("fd00:18::/32")}
	config.In = config.Out
	part, err := fleet.New(fleet.Options{Config: config, Maps: s.site.Rig.Store.Writer(), Netns: s.Netns})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		_ = part.Run(ctx)
		close(done)
	}()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet = part
	s.leave = func() {
		cancel()
		<-done
	}
	return part, nil
}

// Leave ends the server's part in the fleet.
func (s *Server) Leave() {
	s.mu.Lock()
	leave := s.leave
	s.fleet, s.leave = nil, func() {}
	s.mu.Unlock()
	leave()
}

// Report is what the server's QUIC stack would send of a connection.
func (s *Server) Report(ctx context.Context, peer netip.Addr, cwnd uint64, path lab.Path) error {
	return s.reporter.Report(ctx, resume.Report{
		Peer: peer, ID: peer.String(), Cwnd: cwnd, MinRTT: path.RTT, SRTT: path.RTT, Sent: 4 * cwnd, MSS: 1200, CC: "cubic",
		Event: resume.ReportTick, NetnsCookie: s.Netns,
	})
}

// Entry is what the kernel has for a peer on this server.
func (s *Server) Entry(peer netip.Addr) (pathstore.Entry, error) {
	return s.site.Rig.Store.Get(peer, s.Netns)
}

func (s *Server) close() error {
	s.Leave()
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.quic != nil {
		errs = append(errs, s.quic.Close())
	}
	if s.reporter != nil {
		errs = append(errs, s.reporter.Close())
	}
	s.work.Wait()
	return errors.Join(append(errs, s.Host.Close())...)
}

// accept serves one response for each connection: as many bytes as asked for.
func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.work.Go(func() { s.serve(conn) })
	}
}

type arrival struct {
	client netip.AddrPort
	server *Server
}

func (s *Server) serve(conn net.Conn) {
	defer conn.Close()
	s.site.accepted <- arrival{conn.RemoteAddr().(*net.TCPAddr).AddrPort(), s}
	var size int
	if _, err := fmt.Fscanln(conn, &size); err != nil {
		return
	}
	_, _ = io.CopyN(conn, zeros{}, int64(size))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
