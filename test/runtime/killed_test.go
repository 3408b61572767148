// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

// Traffic never waits for user space: the keeper may end in any way.
func TestKillingTheKeeperChangesNothing(t *testing.T) {
	w := newWorld(t)
	kill := w.keeper(t)
	store := w.store(t, slow)
	before := w.inspect(t)
	if before.ServedBy == 0 {
		t.Error("nobody is told to keep the pins")
	}
	if _, err := loader.Up(check.Background(t), w.Options); !errors.Is(err, loader.ErrBusy) {
		t.Errorf("up beside the keeper got %v, want %v", err, loader.ErrBusy)
	}
	p := w.resumes(t, "cubic", 1_500_000)
	wait := p.start(t, 1_510_000)
	p.underWay(t)
	paths := entries(t, store)

	kill()
	check.Eventually(t, patience, "nobody keeps the pins", func() bool { return w.inspect(t).ServedBy == 0 })
	check.Same(t, "paths", entries(t, store), paths)
	for _, cc := range controls {
		_, err := store.Flush() // a slow machine may have lost packets, which halves what the next may use
		check.Must(t, err)
		w.store(t, slow)
		w.resumes(t, cc, 1_500_000)
	}
	wait()
	after := w.inspect(t)
	check.Same(t, "program", after.Program.ID, before.Program.ID)
	counted(t, store, map[string]uint64{"established": 4, "resumed": 4, "applied": 4, "kept_bbr": 1, "window_sent": 1, "handed_back": 1})

	check.Same(t, "next one upgrades", w.up(t).Upgraded, true)
	_, err := store.Flush()
	check.Must(t, err)
	w.store(t, slow)
	w.resumes(t, "reno", 1_500_000)
}

// keeper starts a process that loads and stays; kill ends it as an out-of-memory killer would.
func (w *world) keeper(t *testing.T) (kill func()) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), keeperEnv+"="+w.Options.Cgroup)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	check.Must(t, err)
	t.Cleanup(func() { stdin.Close() })
	stdout, err := cmd.StdoutPipe()
	check.Must(t, err)
	check.Must(t, cmd.Start())
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "up" {
		t.Fatalf("the keeper said %q", lines.Text())
	}
	return kill
}
