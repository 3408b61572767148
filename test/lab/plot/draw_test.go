// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// rising is a made-up connection that doubles its window every 100 ms.
func rising(name string, window uint32, marks ...Mark) Series {
	s := Series{Name: name, Marks: marks}
	delivered := uint64(0)
	for ms := range 1000 {
		if ms > 0 && ms%100 == 0 {
			window *= 2
		}
		delivered += uint64(window) * 1448 / 100
		at := time.Duration(ms) * time.Millisecond
		s.Samples = append(s.Samples, lab.Sample{At: at, Cwnd: window, Delivered: delivered})
	}
	return s
}

func threeSeries() []Series {
	return []Series{
		rising("cold", 1, Mark{At: 100 * time.Millisecond, Text: "first window"}),
		rising("resumed", 2,
			Mark{At: 110 * time.Millisecond, Text: "unvalidated"},
			Mark{At: 200 * time.Millisecond, Text: "validating"},
			Mark{At: 995 * time.Millisecond, Text: "normal"}),
		{Name: "nothing measured"},
	}
}

func TestDrawWritesBothFormats(t *testing.T) {
	signatures := map[string][]byte{".svg": []byte("<?xml"), ".png": []byte("\x89PNG")}
	for extension, signature := range signatures {
		path := filepath.Join(t.TempDir(), "picture"+extension)
		if err := Draw(path, "A title", threeSeries()); err != nil {
			t.Fatal(err)
		}
		drawn, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(drawn, signature) {
			t.Errorf("%s starts with %q", extension, drawn[:8])
		}
		if extension != ".svg" {
			continue
		}
		for _, text := range []string{"A title", "cold", "resumed", "validating", "cwnd (segments)", "delivered (MB)", "time since connect (ms)", "sans-serif"} {
			if !bytes.Contains(drawn, []byte(text)) {
				t.Errorf("text %q is missing", text)
			}
		}
	}
}

func TestDrawRefuses(t *testing.T) {
	if err := Draw(filepath.Join(t.TempDir(), "a.gif"), "", threeSeries()); err == nil || !strings.Contains(err.Error(), ".gif") {
		t.Errorf("unknown format: got %v", err)
	}
	if err := Draw(filepath.Join(t.TempDir(), "a.svg"), "", nil); err == nil {
		t.Error("no series: no error")
	}
}

func TestTicksAreRound(t *testing.T) {
	for high, want := range map[float64]string{
		1:    "0.0 0.2 0.4 0.6 0.8 1.0",
		0.05: "0.00 0.01 0.02 0.03 0.04 0.05",
		2100: "0 500 1000 1500 2000",
		7:    "0 1 2 3 4 5 6 7",
	} {
		var labels []string
		for _, tick := range (decimalTicks{}).Ticks(0, high) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("up to %v: %s, want %s", high, got, want)
		}
	}
}

func TestLevelStretchesAreThinned(t *testing.T) {
	s := rising("", 1)
	points := thinned(s.Samples, func(s lab.Sample) float64 { return float64(s.Cwnd) })
	if len(points) != 20 {
		t.Errorf("%d points for 10 levels, want 20", len(points))
	}
}
