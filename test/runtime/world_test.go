// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
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
		check.Same(t, "pins left behind", pins(t), before)
		w.unregistered(t)
	})
	var err error
	w.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
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
	check.Must(t, err)
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
	runtime, err := loader.Up(check.Background(t), w.Options)
	if err != nil {
		t.Fatal(err)
	}
	check.Must(t, runtime.Close())
	for _, note := range runtime.Notes {
		byMap := strings.HasPrefix(note, "without struct_ops links") && !(linked() && !w.Options.ByMap)
		if !byMap && !strings.Contains(note, rig.BrokenBBR) {
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
	removal, err := loader.Down(check.Background(t), w.Options)
	check.Must(t, err)
	return removal
}

func (w *world) inspect(t *testing.T) loader.State {
	t.Helper()
	state, err := loader.Inspect(w.Options)
	check.Must(t, err)
	return state
}

// unregistered waits until the kernel has let go of our congestion controls,
// which it does behind the back of whoever removed the pins.
func (w *world) unregistered(t testing.TB) {
	t.Helper()
	check.Eventually(t, patience, "no congestion control of ours registered", func() bool {
		list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
		check.Must(t, err)
		return !strings.Contains(string(list), "resume_")
	})
}

// pins are all files and directories of the private bpffs.
func pins(t testing.TB) (all []string) {
	t.Helper()
	check.Must(t, filepath.WalkDir("/sys/fs/bpf", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	}))
	return all
}
