// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// The map is written before the answer.
func TestThePathIsThereWithTheAnswer(t *testing.T) {
	s := newStage(t)
	s.start(t)
	for i := range 200 {
		peer, cwnd := peerOf(i), uint64(100_000+i)
		answer, err := client.Send(check.Background(t), s.sockets, grown(peer, cwnd))
		if err != nil || answer.Stored != 1 {
			t.Fatalf("%+v, %v", answer, err)
		}
		if got, want := s.entry(t, peer), stored(peer, cwnd); got != want {
			t.Fatalf("entry %d: got %+v\n  want %+v", i, got, want)
		}
	}
}

// A report by hand, through the program, on both ways.
func TestTheVerb(t *testing.T) {
	s := newStage(t)
	if code, _, stderr := s.run(t, "report", "203.0.113.7", "--cwnd", "300kB"); code != 3 || !strings.Contains(stderr, "tcpresume agent") {
		t.Errorf("without an agent: exit %d, %s", code, stderr)
	}
	s.start(t)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"203.0.113.7 --cwnd 300kB --rtt 20ms --sent 9MB", 0, "stored\n"},
		{"203.0.113.9 --cwnd 300kB --rtt 20ms -o json", 0, `{"stored":1,"held":0,"refused_count":0}` + "\n"},
		{"203.0.113.8 --cwnd 20kB", 0, "held: the window is still the initial one, or was never filled, so it tells nothing of the path (nothing_learnt)\n"},
		{"2001:db8::9 --cwnd 300kB --datagram", 0, "sent; \"tcpresume watch\" shows what becomes of reports\n"},
		{"10.0.0.1 --cwnd 300kB", 5, ""},
		{"203.0.113.7 --cwnd 1GB", 2, ""},
		{"203.0.113.7", 2, ""},
	} {
		code, out, stderr := s.run(t, append([]string{"report"}, strings.Fields(c.args)...)...)
		if code != c.code || out != c.want || (code == 0) != (stderr == "") {
			t.Errorf("report %s: exit %d, %q, %q; want %d, %q", c.args, code, out, stderr, c.code, c.want)
		}
	}
	check.Eventually(t, patience, "the datagram is stored", func() bool { return s.count(t) == 3 })
	code, _, stderr := s.run(t, "agent")
	if code != 1 || !strings.Contains(stderr, "another agent serves "+s.sockets) {
		t.Errorf("a second agent: exit %d, %s", code, stderr)
	}
}

// Killed under load and started again, it has lost nothing that it answered for,
// and the reporters find it by themselves.
func TestKilledUnderLoad(t *testing.T) {
	s := newStage(t)
	a := s.start(t)
	reporter := client.New(client.Options{Dir: s.sockets})
	defer reporter.Close()
	ctx := check.Background(t)
	var answered atomic.Int64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = reporter.Report(ctx, grown(peerOf(100_000+i%1000), 200_000)) // the other way at the same time
			if answer, err := client.Send(ctx, s.sockets, grown(peerOf(i), uint64(100_000+i))); err != nil || answer.Stored != 1 {
				i-- // again, until it is answered
				time.Sleep(time.Millisecond)
				continue
			}
			answered.Store(int64(i + 1))
		}
	}()
	for range 3 {
		goal := answered.Load() + 200
		check.Eventually(t, patience, "reports are answered", func() bool { return answered.Load() >= goal })
		a.Kill()
		a = s.start(t)
	}
	goal := answered.Load() + 200
	check.Eventually(t, patience, "reports are answered again", func() bool { return answered.Load() >= goal })
	close(stop)
	<-done
	for i := range int(answered.Load()) {
		if got, want := s.entry(t, peerOf(i)), stored(peerOf(i), uint64(100_000+i)); got != want {
			t.Fatalf("path %d of %d that were answered: got %+v\n  want %+v", i, answered.Load(), got, want)
		}
	}
	check.Must(t, a.Stop())
}

// Neither datagrams nor bodies of garbage make an entry or end the agent.
func TestGarbage(t *testing.T) {
	s := newStage(t)
	a := s.start(t)
	random := rand.New(rand.NewPCG(1, 2))
	whole := grown(peerOf(1), 300_000).Append(nil)
	spoiled := func() []byte {
		text := bytes.Clone(whole)
		switch random.IntN(4) {
		case 0:
			text = text[:1+random.IntN(len(text)-1)] // an empty one does not wait for room in Go
		case 1:
			for i := range text {
				text[i] = byte(random.Uint32())
			}
		case 2:
			text[0] = byte(random.Uint32N(123))
		case 3:
			text = append(text, byte(33+random.Uint32N(90)))
		}
		return text
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: filepath.Join(s.sockets, resume.ReportSocket), Net: "unixgram"})
	check.Must(t, err)
	defer conn.Close()
	const datagrams = 50_000 // "make bench-agent" sends a million
	for range datagrams {
		_, err := conn.Write(spoiled())
		check.Must(t, err)
	}
	for range 200 {
		body := bytes.Join([][]byte{spoiled(), spoiled(), spoiled()}, []byte("\n"))
		_, err := client.Send(check.Background(t), s.sockets) // an empty one
		if err == nil {
			t.Fatal("an empty body was taken")
		}
		post(t, s.sockets, body)
	}
	var status struct {
		Agent struct {
			Reports []struct {
				Result, Reason string
				Reports        uint64
			}
		}
	}
	check.Eventually(t, patience, "all are counted", func() bool {
		_, out, _ := s.run(t, "status", "-o", "json")
		check.Must(t, json.Unmarshal([]byte(out), &status))
		refused := uint64(0)
		for _, r := range status.Agent.Reports {
			if r.Result != "refused" {
				t.Fatalf("garbage was %s", r.Result)
			}
			refused += r.Reports
		}
		return refused >= datagrams
	})
	if n := s.count(t); n != 0 {
		t.Errorf("%d entries", n)
	}
	if answer, err := client.Send(check.Background(t), s.sockets, grown(peerOf(2), 300_000)); err == nil && answer.Stored != 1 {
		t.Errorf("afterwards: %+v", answer)
	}
	check.Must(t, a.Stop())
}

func post(t *testing.T, dir string, body []byte) {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, resume.APISocket))
	check.Must(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/reports HTTP/1.1\r\nHost: agent\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	answer, err := io.ReadAll(conn)
	check.Must(t, err)
	for _, status := range []int{http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusTooManyRequests} {
		if bytes.HasPrefix(answer, fmt.Appendf(nil, "HTTP/1.1 %d", status)) {
			return
		}
	}
	t.Fatalf("%q was answered by %q", body, answer)
}
