// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// pair is both ends of a connection.
type pair struct{ client, server *net.TCPConn }

// store opens the pinned maps and puts a stored window in force for all peers of the lab.
func (w *world) store(t *testing.T, path resume.Path) *pathstore.Store {
	t.Helper()
	store, err := pathstore.Open(w.inspect(t).Pins + "/maps")
	check.Must(t, err)
	t.Cleanup(func() { store.Close() })
	policy := resume.DefaultPolicy()
	policy.Mode, policy.Sharing, policy.Learn = resume.ModeExact, resume.SharingShared, false
	check.Must(t, store.SetPolicy(pathstore.Rule{Policy: policy}))
	path.Mode, path.Sharing, path.Source = resume.ModePolicy, resume.SharingPolicy, resume.SourceOperator
	for _, path.Peer = range []netip.Addr{w.Client.IPv4, w.Server.IPv4} {
		_, err := store.Put(path)
		check.Must(t, err)
	}
	return store
}

// connect opens a connection to a listener in the world's cgroup.
func (w *world) connect(t testing.TB, cc string) pair {
	t.Helper()
	return w.connectTo(t, w.Server, w.Client, w.Cgroup, cc)
}

func (w *world) connectTo(t testing.TB, to, from *lab.Host, cgroup *lab.Cgroup, cc string) pair {
	t.Helper()
	listener, err := to.Listen(check.Background(t), lab.ListenSpec{CC: cc, Cgroup: cgroup})
	check.Must(t, err)
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := from.Dial(check.Background(t), lab.DialSpec{Addr: netip.AddrPortFrom(to.IPv4, port)})
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(client) })
	check.Must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	server, err := listener.Accept()
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(server.(*net.TCPConn)) })
	return pair{client, server.(*net.TCPConn)}
}

// start sends bytes from server to client; wait returns when they have arrived unchanged.
func (p pair) start(t testing.TB, bytes int64) (wait func()) {
	t.Helper()
	content := func() io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{1}), bytes) }
	failed := make(chan error, 2)
	go func() {
		_, err := io.Copy(p.server, content())
		failed <- err
	}()
	got, want := sha256.New(), sha256.New()
	go func() {
		_, err := io.CopyN(got, p.client, bytes)
		failed <- err
	}()
	return func() {
		t.Helper()
		check.Must(t, errors.Join(<-failed, <-failed))
		_, err := io.Copy(want, content())
		check.Must(t, err)
		check.Same(t, "content", [32]byte(got.Sum(nil)), [32]byte(want.Sum(nil)))
	}
}

// underWay waits until some of a transfer has arrived.
func (p pair) underWay(t testing.TB) {
	t.Helper()
	check.Eventually(t, patience, "a transfer under way", func() bool { return scene.Info(t, p.server).Bytes_acked > 10_000 })
}

// resumes checks that a new connection gets the stored window.
func (w *world) resumes(t testing.TB, cc string, cwnd int) pair {
	t.Helper()
	p := w.connect(t, cc)
	got := scene.Info(t, p.server)
	check.Same(t, "window of a new connection", int(got.Snd_cwnd), cwnd/int(got.Snd_mss))
	check.Same(t, "its congestion control", scene.Control(t, p.server), "resume_"+cc)
	return p
}

// fates are counted by tracepoints and are the network's: package gate.
var fates = []string{"segments_retransmitted", "reset_sent", "reset_received"}

func counters(t testing.TB, store *pathstore.Store) map[string]uint64 {
	t.Helper()
	all, err := store.Counters()
	check.Must(t, err)
	counted := make(map[string]uint64)
	for _, counter := range all {
		if counter.Value != 0 && !slices.Contains(fates, counter.Name) {
			counted[counter.Name] = counter.Value
		}
	}
	return counted
}

// endings are the ways out of a resume that a busy machine may exchange: while
// it loads programs, the emulated path can lose a packet of its own.
var endings = []string{"window_sent", "draining", "packet_loss", "rto", "pipe_full"}

// folded counts the endings as one, which may be more than what is wanted: a
// connection on bbr that lost a packet goes on, and ends again.
func folded(got, want map[string]uint64) map[string]uint64 {
	sum, wanted := uint64(0), uint64(0)
	fold := maps.Clone(got)
	for _, name := range endings {
		sum, wanted = sum+got[name], wanted+want[name]
		delete(fold, name)
	}
	fold["ended"] = min(sum, wanted)
	return fold
}

// counted waits until exactly these counters are not zero.
func counted(t testing.TB, store *pathstore.Store, want map[string]uint64) {
	t.Helper()
	var diff string
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if diff = cmp.Diff(folded(want, want), folded(counters(t, store), want)); diff == "" || time.Now().After(end) {
			break
		}
	}
	if diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}
