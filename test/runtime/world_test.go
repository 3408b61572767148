// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/lab"
)

// patience bounds waiting for what must happen; no test asks how long it took.
const patience = 15 * time.Second

// world is a machine on which nothing is loaded yet: a path and a cgroup. When
// the test ends, nothing may be loaded any more.
type world struct {
	*lab.Lab
	Cgroup  *lab.Cgroup
	Options loader.Options
}

var number atomic.Int32

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cgroup: newCgroup(t)}
	w.Options = loader.Options{Cgroup: w.Cgroup.Path()}
	before := pins(t)
	t.Cleanup(func() {
		if _, err := loader.Down(context.Background(), w.Options); err != nil && !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Error(err)
		}
		same(t, "pins left behind", pins(t), before)
		w.unregistered(t)
	})
	var err error
	w.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	must(t, err)
	t.Cleanup(func() {
		if err := w.Lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func newCgroup(t *testing.T) *lab.Cgroup {
	t.Helper()
	cgroup, err := lab.NewCgroup(fmt.Sprintf("runtime-%d", number.Add(1)))
	must(t, err)
	t.Cleanup(func() {
		if err := cgroup.Remove(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	return cgroup
}

// up loads and lets go, as "tcpresume up" without a service does. Nothing may
// be worth a note but that congestion controls are registered by map.
func (w *world) up(t *testing.T) *loader.Runtime {
	t.Helper()
	runtime, err := loader.Up(background(t), w.Options)
	if err != nil {
		t.Fatal(err)
	}
	must(t, runtime.Close())
	for _, note := range runtime.Notes {
		if linked() && !w.Options.ByMap || !strings.HasPrefix(note, "without struct_ops links") {
			t.Error(note)
		}
	}
	return runtime
}

// linked tells whether the kernel has struct_ops links (Linux 6.4).
var linked = sync.OnceValue(func() bool {
	for _, found := range feature.Probe() {
		if found.Name == feature.Links {
			return found.Works
		}
	}
	return false
})

// by is how this kernel registers congestion controls where nobody asks for another way.
func by() string {
	if linked() {
		return "link"
	}
	return "map"
}

func (w *world) down(t *testing.T) loader.Removal {
	t.Helper()
	removal, err := loader.Down(background(t), w.Options)
	must(t, err)
	return removal
}

func (w *world) inspect(t *testing.T) loader.State {
	t.Helper()
	state, err := loader.Inspect(w.Options)
	must(t, err)
	return state
}

// unregistered waits until the kernel has let go of our congestion controls,
// which it does behind the back of whoever removed the pins.
func (w *world) unregistered(t testing.TB) {
	t.Helper()
	eventually(t, "no congestion control of ours registered", func() bool {
		list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
		must(t, err)
		return !strings.Contains(string(list), "resume_")
	})
}

// pins are all files and directories of the private bpffs.
func pins(t testing.TB) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir("/sys/fs/bpf", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// eventually waits until done holds.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func background(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
