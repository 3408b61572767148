// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// sink keeps what it is given; from path number failAt on it fails.
type sink struct {
	paths  []resume.Path
	chunks int
	failAt int
}

var errFull = errors.New("storing paths: no space")

func (s *sink) PutAll(paths []resume.Path) (int, error) {
	s.chunks++
	for i, p := range paths {
		if s.failAt > 0 && len(s.paths) == s.failAt {
			return i, errFull
		}
		s.paths = append(s.paths, p)
	}
	return len(paths), nil
}

func defaultRule(netip.Addr) pathstore.Rule { return pathstore.Rule{Policy: resume.DefaultPolicy()} }

func load(text string, to *sink, opts Options) (Result, error) {
	return Load(context.Background(), strings.NewReader(text), to, defaultRule, opts)
}

// lines generates n records of distinct peers; every tenth line is blank.
func lines(n int) []byte {
	var out bytes.Buffer
	for i := range n {
		if i%10 == 9 {
			out.WriteString(" \n")
		}
		fmt.Fprintf(&out, `{"peer":"%s","cwnd":%d,"ssthresh":%d,"rtt_us":%d,"ttl_s":600,"mode":"exact","sharing":"single","source":"operator","netns_cookie":0}`+"\n",
			nth(i), 100000+i, 200000+i, 1000+i%500000)
	}
	return out.Bytes()
}

func nth(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }

func TestLoadKeepsTheOrder(t *testing.T) {
	const n = 200_000 // some thirty blocks
	to := &sink{}
	stored := 0
	result, err := load(string(lines(n)), to, Options{Progress: func(_, n int) { stored = n }})
	if err != nil || result.Stored != n || stored != n || len(to.paths) != n {
		t.Fatalf("got %+v, %v, %d paths", result, err, len(to.paths))
	}
	for i, p := range to.paths {
		if p.Peer != nth(i) || p.Cwnd != resume.Bytes(100000+i) {
			t.Fatalf("path %d is %+v", i, p)
		}
	}
	if to.chunks < 3 || to.chunks > 5 {
		t.Errorf("%d calls for %d paths, want chunks of 64Ki", to.chunks, n)
	}
}

func TestLoadStopsAtTheFirstBadLine(t *testing.T) {
	all := bytes.Split(lines(100_000), []byte("\n"))
	all[70_000] = []byte(`{"peer":"192.0.2.1","cwnd":"12 parsecs"}`)
	all[90_000] = []byte(`{`)
	good := 0
	for _, line := range all[:70_000] {
		if len(bytes.TrimSpace(line)) > 0 {
			good++
		}
	}
	for range 2 { // the decoders race differently each time
		to := &sink{}
		result, err := load(string(bytes.Join(all, []byte("\n"))), to, Options{})
		var bad *LineError
		if !errors.As(err, &bad) || bad.Line != 70_001 || !strings.Contains(err.Error(), `"12 parsecs" is not a size`) {
			t.Fatalf("got %v", err)
		}
		if result.Stored != good || len(to.paths) != good {
			t.Fatalf("%d stored, want exactly the %d before line %d", result.Stored, good, bad.Line)
		}
	}
}

func TestLoadCounts(t *testing.T) {
	text := strings.Join([]string{
		`{"peer":"192.0.2.1","cwnd":"256KiB"}`,
		``,
		`{"peer":"192.0.2.2"}`,
		`{"peer":"192.0.2.3","cwnd":1,"ttl_s":0,"state":"expired"}`,
		`{"peer":"192.0.2.4","cwnd":1,"ttl_s":601}`,
		`{"peer":"192.0.2.5","cwnd":1,"netns_cookie":7}`,
		`{"peer":"192.0.2.6","cwnd":1}`,
	}, "\n")
	to := &sink{}
	result, err := load(text, to, Options{SkipBad: true, ClampTTL: true})
	if err != nil {
		t.Fatal(err)
	}
	first := result.FirstBad
	result.FirstBad = nil
	if want := (Result{Stored: 3, Skipped: 2, Expired: 1, Clamped: 1}); result != want {
		t.Errorf("got %+v, want %+v", result, want)
	}
	if first == nil || !strings.HasPrefix(first.Error(), "line 3: cwnd is 0") {
		t.Errorf("first bad line: %v", first)
	}
	if len(to.paths) == 3 && to.paths[1].TTL != 10*time.Minute {
		t.Errorf("clamped to %v", to.paths[1].TTL)
	}
}

func TestLoadErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{"peer":"192.0.2.4","cwnd":1,"ttl_s":601}`:               `line 1: ttl 10m1s is longer than the lifetime 10m0s that the policy of default allows`,
		"\n\n" + `{"peer":"192.0.2.5","cwnd":1,"netns_cookie":7}`: `line 3: network namespace 7 has no meaning here`,
		`{"cwnd":1}`: `line 1: the peer is missing`,
		`{"peer":"192.0.2.1","cwnd":1}` + "\n\n" + strings.Repeat("x", 2*blockSize): `line 3: "xxxx`,
	} {
		if _, err := load(text, &sink{}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\n  want ...%s...", err, want)
		}
	}
}

func TestLoadReportsTheStore(t *testing.T) {
	result, err := load(string(lines(100_000)), &sink{failAt: 80_000}, Options{})
	if !errors.Is(err, errFull) || result.Stored != 80_000 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestLoadReportsTheReader(t *testing.T) {
	broken := errors.New("broken pipe")
	to := &sink{}
	_, err := Load(context.Background(), io.MultiReader(bytes.NewReader(lines(10)), &failing{broken}), to, defaultRule, Options{})
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// A terminal's read does not return; Ctrl-C must all the same.
func TestLoadCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	endless, _ := io.Pipe()
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := Load(ctx, endless, &sink{}, defaultRule, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkDecode(b *testing.B) {
	all := slices.Collect(bytes.Lines(lines(1000)))
	all = slices.DeleteFunc(all, func(line []byte) bool { return len(line) < 3 })
	for i := 0; b.Loop(); i++ {
		if _, err := Decode(bytes.TrimSpace(all[i%len(all)])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLine(b *testing.B) { // what a decoder does for each line
	all := slices.Collect(bytes.Lines(lines(1000)))
	all = slices.DeleteFunc(all, func(line []byte) bool { return len(line) < 3 })
	blk := &block{paths: make([]resume.Path, 0, 1)}
	for i := 0; b.Loop(); i++ {
		blk.paths = blk.paths[:0]
		if err := blk.add(bytes.TrimSpace(all[i%len(all)]), defaultRule, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadMillion(b *testing.B) {
	text := lines(1 << 20)
	for b.Loop() {
		to := &sink{paths: make([]resume.Path, 0, 1<<20)}
		if r, err := Load(context.Background(), bytes.NewReader(text), to, defaultRule, Options{}); err != nil || r.Stored != 1<<20 {
			b.Fatal(r, err)
		}
	}
}
