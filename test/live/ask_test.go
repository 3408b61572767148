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
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// allow lets the rig's cgroup ask, for one test.
func allow(t *testing.T, rule pathstore.AskRule) {
	t.Helper()
	_, err := loader.AllowAsk(loaded.Options, loaded.Cgroup.Path(), rule)
	check.Must(t, err)
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
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	for _, peer := range []netip.Addr{s.Client.IPv4, s.Client.IPv6} {
		for _, cc := range scene.Controls {
			t.Run(peer.String()+" "+cc, func(t *testing.T) {
				check.Must(t, s.Forget(peer)) // what the one before has learnt
				p := s.Greeted(t, cc, lab.DialSpec{Local: peer})
				check.Must(t, ask.Ask(p.Server, s.state()))
				answer, err := ask.Read(p.Server)
				check.Must(t, err)
				check.Same(t, "answer", answer, ask.Answer{Given: true, Phase: "reconnaissance", Cwnd: s.state().Cwnd})
				p.Send(t, 3_000_000)
				s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
				jump := s.Events.Change(t, p, "unvalidated")
				check.Same(t, "source", jump.Source, resume.SourceApplication)
				check.Same(t, "reason", s.Events.Of(p, "resumed")[0].Trigger, "asked")
				answer, err = ask.Read(p.Server)
				check.Must(t, err)
				check.Same(t, "answer", answer, ask.Answer{Given: true, Phase: "normal", Jumped: true, Cwnd: s.state().Cwnd, Jump: uint32(jump.Jump)})
				s.Ended(t, p, jumps, validates, fills, isFull)
				s.Counted(t, map[string]uint64{"ask_resumed": 1, "asked": 1, "resumed": 0, "live_resumed": 0})
			})
		}
	}
}

// While data is in flight, what was sent so far is the initial data.
func TestAskInTheMiddleOfAResponse(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			p := s.Open(t, cc, lab.DialSpec{})
			wait := p.Start(3_000_000)
			check.Eventually(t, scene.Patience, "data in flight", func() bool { return scene.Info(t, p.Server).Unacked > 0 })
			check.Must(t, ask.Ask(p.Server, s.state()))
			wait(t)
			p.Reset(t)
			if told := s.Events.Story(p); len(told) < 3 || !slices.Equal(told[:3], []string{jumps, validates, fills}) {
				t.Errorf("story %q, want a jump that was validated", told)
			}
		})
	}
}

func TestAskExactly(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, pathstore.AskRule{Mode: resume.ModeExact, MaxCwnd: 400_000, MaxSsthresh: 300_000})
	s.Policy(t, func(p *resume.Policy) { p.Mode = resume.ModeExact; p.MaxSsthresh = 250_000 })
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			p := s.Greeted(t, cc, lab.DialSpec{})
			check.Must(t, ask.Ask(p.Server, ask.State{Cwnd: 1 << 30, Ssthresh: 1 << 30, RTT: scene.MidPath.RTT, Exact: true}))
			seen := scene.Info(t, p.Server)
			check.Same(t, "windows", [2]uint32{seen.Snd_cwnd, seen.Snd_ssthresh}, [2]uint32{400_000 / seen.Snd_mss, 250_000 / seen.Snd_mss})
			p.Send(t, 1_000_000)
			p.Reset(t)
			check.Same(t, "a window that left", s.Events.Story(p)[0], map[bool]string{
				false: "exact, normal: window_sent", true: "exact, filling: window_sent",
			}[cc == "bbr"])
		})
	}
}

func TestAskCapsTheWindow(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, pathstore.AskRule{Mode: resume.ModeCareful, MaxCwnd: 200_000})
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	check.Must(t, ask.Ask(p.Server, ask.State{Cwnd: 4_000_000_000, RTT: scene.MidPath.RTT}))
	p.Send(t, 300_000)
	s.jumped(t, p, 100_000)
	p.Reset(t)
}

// The client's QUIC connection was reported under a token, whatever its address was.
func TestAskByToken(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			path := s.BDP()
			path.Peer, path.Scope = resume.TokenOf([]byte("session of "+cc)), resume.ScopeToken
			s.Put(t, path)
			stranger := s.Greeted(t, cc, lab.DialSpec{})
			refused(t, ask.Ask(stranger.Server, ask.TokenOf([]byte("another session"))), ask.ErrNoPath, unix.ENOENT)
			p := s.Greeted(t, cc, lab.DialSpec{Local: s.Client.IPv6})
			check.Must(t, ask.Ask(p.Server, ask.TokenOf([]byte("session of "+cc))))
			p.Send(t, 3_000_000)
			s.Ended(t, p, jumps, validates, fills, isFull)
			entry, err := loaded.Store.Get(path.Peer, path.Scope)
			check.Must(t, err)
			check.Same(t, "entry", scene.StateOf(entry), scene.EntryState{State: pathstore.StateFree, Uses: 1})
			stranger.Reset(t)
		})
	}
}

// A report that came after the connection: the application names nothing but its peer.
func TestAskByPeer(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	refused(t, ask.Ask(p.Server, ask.Peer{}), ask.ErrNoPath, unix.ENOENT)
	s.Put(t, s.BDP())
	check.Must(t, ask.Ask(p.Server, ask.Peer{}))
	p.Send(t, 3_000_000)
	s.Ended(t, p, jumps, validates, fills, isFull)
}

// RFC 9959 3.2: of all connections of a path one uses it, however it was asked for.
func TestAskSharesNoPath(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			first, second := s.Greeted(t, cc, lab.DialSpec{}), s.Greeted(t, cc, lab.DialSpec{})
			first.Send(t, 400_000)
			s.Events.Change(t, first, "unvalidated")
			refused(t, ask.Ask(second.Server, s.state()), ask.ErrInUse, unix.EBUSY)
			refused(t, ask.Ask(second.Server, ask.Peer{}), ask.ErrInUse, unix.EBUSY)
			check.Must(t, s.Forget(s.Client.IPv4))
			first.Reset(t)
			second.Reset(t)

			first, second = s.Greeted(t, cc, lab.DialSpec{}), s.Greeted(t, cc, lab.DialSpec{})
			check.Must(t, ask.Ask(first.Server, s.state()))
			first.Send(t, 400_000)
			s.Events.Change(t, first, "unvalidated")
			refused(t, ask.Ask(second.Server, s.state()), ask.ErrInUse, unix.EBUSY)
			first.Reset(t)
			check.Eventually(t, scene.Patience, "a free path", func() bool { return ask.Ask(second.Server, s.state()) == nil })
			second.Reset(t)
		})
	}
}

// A second jump takes an idle time, and a refuted state is not taken again.
func TestAskAgain(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	check.Must(t, ask.Ask(p.Server, s.state()))
	check.Must(t, ask.Ask(p.Server, s.state())) // before the jump the latest counts
	p.Send(t, 400_000)
	refused(t, ask.Ask(p.Server, s.state()), ask.ErrAlready, unix.EALREADY)
	s.idle(t, p)
	check.Must(t, s.SetPath(scene.Shallow))
	check.Must(t, ask.Ask(p.Server, ask.State{Cwnd: 10 * s.state().Cwnd, RTT: s.state().RTT}))
	p.Send(t, 3_000_000)
	s.Events.Change(t, p, "safe_retreat")
	s.idle(t, p)
	refused(t, ask.Ask(p.Server, s.state()), ask.ErrInUse, unix.EBUSY)
	p.Reset(t)
}

func refused(t testing.TB, err, want error, errno unix.Errno) {
	t.Helper()
	if !errors.Is(err, want) || !errors.Is(err, errno) {
		t.Errorf("got %v, want %v (%v)", err, want, errno)
	}
}

func TestAskErrors(t *testing.T) {
	s := newStage(t, scene.MidPath)
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
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			s.Policy(t, func(policy *resume.Policy) {
				if c.policy != nil {
					c.policy(policy)
				}
			})
			s.untouched(t, p, func() { refused(t, ask.Ask(p.Server, c.request), c.want, c.errno) })
		})
	}
}

func TestAskOfOtherSockets(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	check.Must(t, loaded.Cgroup.Run(func() error {
		var plain net.ListenConfig
		plain.SetMultipathTCP(false) // Go asks for it by default
		listener, err := plain.Listen(check.Background(t), "tcp", "127.0.0.1:0")
		check.Must(t, err)
		defer listener.Close()
		refused(t, ask.Ask(listener.(*net.TCPListener), s.state()), ask.ErrUnconnected, unix.ENOTCONN)
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		check.Must(t, err)
		defer udp.Close()
		refused(t, ask.Ask(udp.(*net.UDPConn), s.state()), ask.ErrUnsupported, unix.EOPNOTSUPP)
		return nil
	}))
	mp := s.Connect(t, lab.ListenSpec{Cgroup: loaded.Cgroup, MPTCP: true}, lab.DialSpec{MPTCP: true})
	refused(t, ask.Ask(mp.Server, s.state()), ask.ErrUnsupported, unix.EOPNOTSUPP)
	mp.Reset(t)
	plain := s.Connect(t, lab.ListenSpec{Cgroup: loaded.Cgroup, MPTCP: true, CC: "cubic"}, lab.DialSpec{})
	plain.Send(t, scene.Prelude)
	check.Must(t, ask.Ask(plain.Server, s.state())) // what a client without it makes of such a listener
	plain.Reset(t)
}
