// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/ask"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// allow lets the rig's cgroup ask, for one test.
func allow(t *testing.T, rule pathstore.AskRule) {
	t.Helper()
	_, err := loader.AllowAsk(loaded.Options, loaded.Cgroup.Path(), rule)
	must(t, err)
	t.Cleanup(func() {
		if _, err := loader.DenyAsk(loaded.Options, loaded.Cgroup.Path()); err != nil && !errors.Is(err, pathstore.ErrNotFound) {
			t.Error(err)
		}
	})
}

var carefully = pathstore.AskRule{Mode: resume.ModeCareful}

// state is the path as an ask.
func (s *stage) state() ask.State {
	return ask.State{Cwnd: uint32(s.Path().BDP()), RTT: s.Path().RTT}
}

func TestAskAfterDataWasSent(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	for _, peer := range []netip.Addr{s.Client.IPv4, s.Client.IPv6} {
		for _, cc := range controls {
			t.Run(peer.String()+" "+cc, func(t *testing.T) {
				p := s.greeted(t, cc, lab.DialSpec{Local: peer})
				must(t, ask.Ask(p.server, s.state()))
				answer, err := ask.Read(p.server)
				must(t, err)
				same(t, "answer", answer, ask.Answer{Given: true, Phase: "reconnaissance", Cwnd: s.state().Cwnd})
				p.send(t, 3_000_000)
				s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
				jump := s.Events.change(t, p, "unvalidated")
				same(t, "source", jump.Source, resume.SourceApplication)
				same(t, "reason", s.Events.of(p, "resumed")[0].Trigger, "asked")
				answer, err = ask.Read(p.server)
				must(t, err)
				same(t, "answer", answer, ask.Answer{Given: true, Phase: "normal", Jumped: true, Cwnd: s.state().Cwnd, Jump: uint32(jump.Jump)})
				s.ended(t, p, jumps, validates, fills, isFull)
				s.counted(t, map[string]uint64{"ask_resumed": 1, "asked": 1, "resumed": 0, "live_resumed": 0})
			})
		}
	}
}

// While data is in flight, what was sent so far is the initial data.
func TestAskInTheMiddleOfAResponse(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			p := s.open(t, cc, lab.DialSpec{})
			wait := p.start(3_000_000)
			eventually(t, "data in flight", func() bool { return info(t, p.server).Unacked > 0 })
			must(t, ask.Ask(p.server, s.state()))
			wait(t)
			p.reset(t)
			if told := s.Events.story(p); len(told) < 3 || !slices.Equal(told[:3], []string{jumps, validates, fills}) {
				t.Errorf("story %q, want a jump that was validated", told)
			}
		})
	}
}

func TestAskExactly(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, pathstore.AskRule{Mode: resume.ModeExact, MaxCwnd: 400_000, MaxSsthresh: 300_000})
	s.policy(t, func(p *resume.Policy) { p.Mode = resume.ModeExact; p.MaxSsthresh = 250_000 })
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			p := s.greeted(t, cc, lab.DialSpec{})
			must(t, ask.Ask(p.server, ask.State{Cwnd: 1 << 30, Ssthresh: 1 << 30, RTT: midPath.RTT, Exact: true}))
			seen := info(t, p.server)
			same(t, "windows", [2]uint32{seen.Snd_cwnd, seen.Snd_ssthresh}, [2]uint32{400_000 / seen.Snd_mss, 250_000 / seen.Snd_mss})
			p.send(t, 1_000_000)
			p.reset(t)
			same(t, "a window that left", s.Events.story(p)[0], map[bool]string{
				false: "exact, normal: window_sent", true: "exact, filling: window_sent",
			}[cc == "bbr"])
		})
	}
}

func TestAskCapsTheWindow(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, pathstore.AskRule{Mode: resume.ModeCareful, MaxCwnd: 200_000})
	p := s.greeted(t, "cubic", lab.DialSpec{})
	must(t, ask.Ask(p.server, ask.State{Cwnd: 4_000_000_000, RTT: midPath.RTT}))
	p.send(t, 300_000)
	s.jumped(t, p, 100_000)
	p.reset(t)
}

// The client's QUIC connection was reported under a token, whatever its address was.
func TestAskByToken(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			path := s.bdp()
			path.Peer, path.Scope = resume.TokenOf([]byte("session of "+cc)), resume.ScopeToken
			s.put(t, path)
			stranger := s.greeted(t, cc, lab.DialSpec{})
			refused(t, ask.Ask(stranger.server, ask.TokenOf([]byte("another session"))), ask.ErrNoPath, unix.ENOENT)
			p := s.greeted(t, cc, lab.DialSpec{Local: s.Client.IPv6})
			must(t, ask.Ask(p.server, ask.TokenOf([]byte("session of "+cc))))
			p.send(t, 3_000_000)
			s.ended(t, p, jumps, validates, fills, isFull)
			entry, err := loaded.Store.Get(path.Peer, path.Scope)
			must(t, err)
			same(t, "entry", stateOf(entry), entryState{State: pathstore.StateFree, Uses: 1})
			stranger.reset(t)
		})
	}
}

// A report that came after the connection: the application names nothing but its peer.
func TestAskByPeer(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	p := s.greeted(t, "cubic", lab.DialSpec{})
	refused(t, ask.Ask(p.server, ask.Peer{}), ask.ErrNoPath, unix.ENOENT)
	s.put(t, s.bdp())
	must(t, ask.Ask(p.server, ask.Peer{}))
	p.send(t, 3_000_000)
	s.ended(t, p, jumps, validates, fills, isFull)
}

// RFC 9959 3.2: of all connections of a path one uses it, however it was asked for.
func TestAskSharesNoPath(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			first, second := s.greeted(t, cc, lab.DialSpec{}), s.greeted(t, cc, lab.DialSpec{})
			first.send(t, 400_000)
			s.Events.change(t, first, "unvalidated")
			refused(t, ask.Ask(second.server, s.state()), ask.ErrInUse, unix.EBUSY)
			refused(t, ask.Ask(second.server, ask.Peer{}), ask.ErrInUse, unix.EBUSY)
			must(t, deleted(s.Client.IPv4))
			first.reset(t)
			second.reset(t)

			first, second = s.greeted(t, cc, lab.DialSpec{}), s.greeted(t, cc, lab.DialSpec{})
			must(t, ask.Ask(first.server, s.state()))
			first.send(t, 400_000)
			s.Events.change(t, first, "unvalidated")
			refused(t, ask.Ask(second.server, s.state()), ask.ErrInUse, unix.EBUSY)
			first.reset(t)
			eventually(t, "a free path", func() bool { return ask.Ask(second.server, s.state()) == nil })
			second.reset(t)
		})
	}
}

// A second jump takes an idle time, and a refuted state is not taken again.
func TestAskAgain(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	p := s.greeted(t, "cubic", lab.DialSpec{})
	must(t, ask.Ask(p.server, s.state()))
	must(t, ask.Ask(p.server, s.state())) // before the jump the latest counts
	p.send(t, 400_000)
	refused(t, ask.Ask(p.server, s.state()), ask.ErrAlready, unix.EALREADY)
	s.idle(t, p)
	must(t, s.SetPath(shallow))
	must(t, ask.Ask(p.server, ask.State{Cwnd: 10 * s.state().Cwnd, RTT: s.state().RTT}))
	p.send(t, 3_000_000)
	s.Events.change(t, p, "safe_retreat")
	s.idle(t, p)
	refused(t, ask.Ask(p.server, s.state()), ask.ErrInUse, unix.EBUSY)
	p.reset(t)
}

func refused(t testing.TB, err, want error, errno unix.Errno) {
	t.Helper()
	if !errors.Is(err, want) || !errors.Is(err, errno) {
		t.Errorf("got %v, want %v (%v)", err, want, errno)
	}
}

func TestAskErrors(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	state := s.state()
	for name, c := range map[string]struct {
		policy  func(*resume.Policy)
		request ask.Request
		want    error
		errno   unix.Errno
	}{
		"policy off":     {func(p *resume.Policy) { p.Mode = resume.ModeOff }, state, ask.ErrNotAllowed, unix.EPERM},
		"exact":          {nil, ask.State{Cwnd: state.Cwnd, Exact: true}, ask.ErrNotAllowed, unix.EPERM},
		"no RTT":         {nil, ask.State{Cwnd: state.Cwnd}, ask.ErrNoRTT, unix.ENODATA},
		"another RTT":    {nil, ask.State{Cwnd: state.Cwnd, RTT: time.Second}, ask.ErrOtherRTT, unix.ERANGE},
		"a small window": {nil, ask.State{Cwnd: 20_000, RTT: state.RTT}, ask.ErrAlready, unix.EALREADY},
		"no such token":  {nil, ask.Token{}, ask.ErrNoPath, unix.ENOENT},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.greeted(t, "cubic", lab.DialSpec{})
			s.policy(t, func(policy *resume.Policy) {
				if c.policy != nil {
					c.policy(policy)
				}
			})
			s.untouched(t, p, func() { refused(t, ask.Ask(p.server, c.request), c.want, c.errno) })
		})
	}
}

func TestAskOfOtherSockets(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	must(t, loaded.Cgroup.Run(func() error {
		var plain net.ListenConfig
		plain.SetMultipathTCP(false) // Go asks for it by default
		listener, err := plain.Listen(background(t), "tcp", "127.0.0.1:0")
		must(t, err)
		defer listener.Close()
		refused(t, ask.Ask(listener.(*net.TCPListener), s.state()), ask.ErrUnconnected, unix.ENOTCONN)
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		must(t, err)
		defer udp.Close()
		refused(t, ask.Ask(udp.(*net.UDPConn), s.state()), ask.ErrUnsupported, unix.EOPNOTSUPP)
		return nil
	}))
	mp := s.connect(t, lab.ListenSpec{Cgroup: loaded.Cgroup, MPTCP: true}, lab.DialSpec{MPTCP: true})
	refused(t, ask.Ask(mp.server, s.state()), ask.ErrUnsupported, unix.EOPNOTSUPP)
	mp.reset(t)
	plain := s.connect(t, lab.ListenSpec{Cgroup: loaded.Cgroup, MPTCP: true, CC: "cubic"}, lab.DialSpec{})
	plain.send(t, prelude)
	must(t, ask.Ask(plain.server, s.state())) // what a client without it makes of such a listener
	plain.reset(t)
}
