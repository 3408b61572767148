// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
)

func TestWhatIsSavedIsLoaded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "made", "part.json")
	b := File("part", file)
	b.AddTime(1234567*time.Nanosecond, "transfer", "100 ms/20 Mbit/s", "1 MB", "cold")
	b.Add(3, "retransmits", "transfer", 7, "cold")
	check.Must(t, b.Save())
	b.Add(4, "retransmits", "transfer", 8, "cold")
	check.Must(t, b.Save())
	got, err := Load(file)
	check.Must(t, err)
	want := []Sample{
		{"transfer/100ms-20Mbit-s/1MB/cold", "ms", 1.234},
		{"transfer/7/cold", "retransmits", 3},
		{"transfer/8/cold", "retransmits", 4},
	}
	check.Same(t, "samples", got.Samples, want)
	check.Same(t, "machine", got.Machine, machineNow())

	other := File("other", filepath.Join(t.TempDir(), "other.json"))
	check.Must(t, other.Include(file))
	check.Same(t, "included", other.part.Samples, want)
}

func TestWhatIsNoPartIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":    {"cold 811", "invalid character 'c' looking for beginning of value; give a file that a measuring program wrote with -json"},
		"no samples": {`{"part":"bench"}`, "holds no samples; give a file that a measuring program wrote with -json"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "part.json")
			check.Must(t, os.WriteFile(file, []byte(c.text), 0o600))
			_, err := Load(file)
			if err == nil {
				t.Fatal("it was loaded")
			}
			want := file + ": " + c.want
			if name == "no samples" {
				want = file + " " + c.want
			}
			check.Same(t, "error", err.Error(), want)
		})
	}
}
