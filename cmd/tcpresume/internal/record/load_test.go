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

func defaultRule(netip.Addr, uint64) pathstore.Rule {
	return pathstore.Rule{Policy: resume.DefaultPolicy()}
}

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

// Whatever is wrong with a line, those behind it are stored if bad lines are skipped.
func TestSkipBadSkipsEveryKindOfBadLine(t *testing.T) {
	good := func(i int) string { return fmt.Sprintf(`{"peer":"%s","cwnd":300000}`, nth(i)) }
	for name, bad := range map[string]string{
		"longer than a block":           `{"peer":"192.0.2.2","cwnd":300000,"outcome":"` + strings.Repeat("x", 3*blockSize/2) + `"}`,
		"of many blocks":                strings.Repeat("x", 5*blockSize),
		"as long as a block":            strings.Repeat("x", blockSize),
		"a block without its line end":  strings.Repeat("x", blockSize-1),
		"NUL":                           "\x00\x00\x00",
		"no UTF-8":                      "{\"peer\":\"\xff\xfe\"}",
		"UTF-16":                        "\xff\xfe{\x00}\x00",
		"cut off":                       good(9)[:20],
		"nested":                        strings.Repeat("[", 5000),
		"two objects":                   good(9) + good(9),
		"a number for a path":           "17",
		"a token that is none":          `{"peer":"token:17","cwnd":1}`,
		"what the policy does not take": `{"peer":"192.0.2.5","cwnd":1,"ttl_s":601}`,
	} {
		for place, text := range map[string]string{
			"first":  bad + "\n" + good(1) + "\n" + good(2),
			"middle": good(1) + "\n" + bad + "\r\n" + good(2) + "\n",
			"last":   good(1) + "\n" + good(2) + "\n" + bad,
		} {
			to := &sink{}
			result, err := load(text, to, Options{SkipBad: true})
			if err != nil || result.Skipped != 1 || len(to.paths) != 2 || to.paths[1].Peer != nth(2) {
				t.Errorf("%s, %s: %v, %d skipped, %d stored", name, place, err, result.Skipped, len(to.paths))
			}
			var line *LineError
			if want := map[string]int{"first": 1, "middle": 2, "last": 3}[place]; !errors.As(result.FirstBad, &line) || line.Line != want {
				t.Errorf("%s, %s: the first bad one is %.90v, want line %d", name, place, result.FirstBad, want)
			}
		}
	}
}

// Editors put a byte order mark before a file, "cat" into the middle of one.
func TestLoadTakesByteOrderMarks(t *testing.T) {
	const mark = "\ufeff"
	to := &sink{}
	text := mark + `{"peer":"192.0.2.1","cwnd":1}` + "\r\n" + mark + "\r\n" + mark + `{"peer":"192.0.2.2","cwnd":1}` + "\n"
	if result, err := load(text, to, Options{}); err != nil || result.Stored != 2 {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestTokensAreUnderTheDefaultPolicy(t *testing.T) {
	ruleOf := func(_ netip.Addr, scope uint64) pathstore.Rule {
		rule := pathstore.Rule{Policy: resume.DefaultPolicy()}
		if scope != resume.ScopeToken {
			rule.Policy.Lifetime = time.Second
		}
		return rule
	}
	to := &sink{}
	_, err := Load(context.Background(), strings.NewReader(`{"peer":"token:20010db8000000000000000000000007","cwnd":1,"ttl_s":600}`), to, ruleOf, Options{})
	if err != nil || len(to.paths) != 1 || to.paths[0].Scope != resume.ScopeToken {
		t.Errorf("stored %+v, %v", to.paths, err)
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
