// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// probes are what the kubelet sees.
type probes struct{ Live, Ready int }

func (s *stage) probe(t *testing.T) probes {
	t.Helper()
	return probes{s.ask(t, "/healthz", nil), s.ask(t, "/readyz", nil)}
}

// ask returns the status of an answer, and its body.
func (s *stage) ask(t *testing.T, path string, body *string) int {
	t.Helper()
	reply, err := client.Get(check.Background(t), s.sockets, path)
	var refused *client.Refused
	if errors.As(err, &refused) {
		if body != nil {
			*body = refused.Detail
		}
		return refused.Status
	}
	check.Must(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	check.Must(t, err)
	if body != nil {
		*body = string(text)
	}
	return reply.StatusCode
}

// has tells whether there is a path of the peer.
func (s *stage) has(peer netip.Addr) bool {
	_, err := s.Get(peer, 0)
	return err == nil
}

// follow collects what a stream has brought so far.
func follow(stream io.Reader) (seen func() string) {
	var (
		mu  sync.Mutex
		all strings.Builder
	)
	go func() {
		for lines := bufio.NewScanner(stream); lines.Scan(); {
			mu.Lock()
			all.WriteString(lines.Text() + "\n")
			mu.Unlock()
		}
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return all.String()
	}
}

// awaits waits until the agent has no maps, and checks that every view tells so.
func (s *stage) awaits(t *testing.T) {
	t.Helper()
	maps := filepath.Join(s.pins, "maps")
	want := "waiting for maps at " + maps
	check.Eventually(t, patience, "the agent waits", func() bool { return s.probe(t) == probes{http.StatusOK, http.StatusServiceUnavailable} })
	for _, path := range []string{"/healthz", "/readyz", "/v1/status"} {
		var body string
		if s.ask(t, path, &body); !strings.Contains(body, want) {
			t.Errorf("%s says %s, not %q", path, body, want)
		}
	}
	var metrics string
	if s.ask(t, "/metrics", &metrics); !strings.Contains(metrics, "\ntcpresume_kernel_up 0\n") {
		t.Error("tcpresume_kernel_up is not 0")
	}
	for _, peer := range []int{0, 1} { // IPv4 and IPv6
		_, err := client.Send(check.Background(t), s.sockets, grown(peerOf(peer), 300_000))
		var refused *client.Refused
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Reason != "waiting" || !strings.Contains(refused.Detail, want) {
			t.Errorf("a report of %s was answered by %v", peerOf(peer), err)
		}
		if got := s.ask(t, "/v1/paths/"+peerOf(peer).String(), nil); got != http.StatusServiceUnavailable {
			t.Errorf("a path was answered by %d", got)
		}
	}
	if code, _, stderr := s.run(t, "report", "203.0.113.7", "--cwnd", "300kB"); code != 3 || !strings.Contains(stderr, want) {
		t.Errorf("report: exit %d, %s", code, stderr)
	}
	if code, _, stderr := s.run(t, "status"); code != 3 || !strings.Contains(stderr, want) {
		t.Errorf("status: exit %d, %s", code, stderr)
	}
}

// makes pins new maps where the agent waits for them.
func (s *stage) makes(t *testing.T) {
	t.Helper()
	check.Must(t, os.MkdirAll(s.pins, 0o700))
	check.Must(t, rig.PinMaps(filepath.Join(s.pins, "maps"), maxPaths))
	check.Must(t, s.Close())
	var err error
	s.Store, err = pathstore.Open(filepath.Join(s.pins, "maps"))
	check.Must(t, err)
}

// serves waits until reports reach the maps, and checks them, whatever was reported before.
func (s *stage) serves(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "the agent is ready", func() bool { return s.probe(t) == probes{http.StatusOK, http.StatusOK} })
	for i := range 4 {
		answer, err := client.Send(check.Background(t), s.sockets, grown(peerOf(i), 300_000))
		if err != nil || answer.Stored != 1 {
			t.Errorf("report %d: %+v, %v", i, answer, err)
			continue
		}
		if got, want := s.entry(t, peerOf(i)), stored(peerOf(i), 300_000); got != want {
			t.Errorf("got %+v\n  want %+v", got, want)
		}
	}
	var status struct{ Agent struct{ Waiting string } }
	code, out, _ := s.run(t, "status", "-o", "json")
	check.Must(t, json.Unmarshal([]byte(out), &status))
	if code != 0 || status.Agent.Waiting != "" {
		t.Errorf("status: exit %d, %s", code, out)
	}
}

// Maps may come after the agent, go, come again and be replaced: it is one
// process that takes reports all the time, and its watchers stay.
func TestTheAgentWaitsForMaps(t *testing.T) {
	s := newStage(t)
	check.Must(t, os.RemoveAll(s.pins))
	a := s.start(t)
	events, err := client.Get(check.Background(t), s.sockets, "/v1/events")
	check.Must(t, err)
	defer events.Body.Close()
	seen := follow(events.Body)

	s.awaits(t)
	s.makes(t)
	s.serves(t)
	check.Must(t, os.RemoveAll(s.pins))
	s.awaits(t)
	s.makes(t)
	s.serves(t)
	check.Must(t, os.RemoveAll(s.pins)) // replaced, faster than the agent may look
	s.makes(t)
	check.Eventually(t, patience, "the maps were taken up", func() bool {
		answer, err := client.Send(check.Background(t), s.sockets, grown(peerOf(9), 300_000))
		return err == nil && answer.Stored == 1 && s.has(peerOf(9))
	})
	s.serves(t)
	check.Eventually(t, patience, "the watcher saw refused and stored reports", func() bool {
		all := seen()
		return strings.Contains(all, `"reason":"waiting"`) && strings.Contains(all, peerOf(9).String())
	})
	check.Must(t, a.Stop())
	if said := a.Said(); strings.Count(said, "waiting for maps at ") != 2 {
		t.Errorf("the log:\n%s", said)
	}
}

// Reporters at work while maps come and go lose no report that was answered for,
// and the client's that were refused meanwhile are stored afterwards.
func TestMapsComeAndGoUnderLoad(t *testing.T) {
	s := newStage(t)
	a := s.start(t)
	reporter := client.New(client.Options{Dir: s.sockets, Transport: client.HTTP})
	defer reporter.Close()
	for round := range 3 {
		check.Must(t, os.RemoveAll(s.pins))
		check.Eventually(t, patience, "the agent waits", func() bool { return s.probe(t).Ready == http.StatusServiceUnavailable })
		kept := grown(peerOf(1000+round), 250_000)
		check.Must(t, reporter.Report(check.Background(t), kept))
		stop, done := make(chan struct{}), make(chan struct{})
		answered := 0
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if answer, err := client.Send(t.Context(), s.sockets, grown(peerOf(answered), 300_000)); err == nil && answer.Stored == 1 {
					answered++
				}
				s.ask(t, "/metrics", nil)
			}
		}()
		s.makes(t)
		check.Eventually(t, patience, "the report that waited is stored", func() bool { return s.has(kept.Peer) })
		close(stop)
		<-done
		for i := range answered {
			if got, want := s.entry(t, peerOf(i)), stored(peerOf(i), 300_000); got != want {
				t.Fatalf("path %d of %d that were answered: got %+v\n  want %+v", i, answered, got, want)
			}
		}
	}
	check.Must(t, a.Stop())
}
