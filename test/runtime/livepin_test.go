// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

// opens tells whether a user without rights can open the pin, which is to make a pass.
func opens(pin string, uid uint32) bool {
	cmd := exec.Command("cat", pin)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd.Run() == nil
}

// A pass locks every socket: who could open the pin could keep them all locked.
// It is the loader's alone, also where somebody gave it away before an upgrade.
func TestPassesAreTheLoadersAlone(t *testing.T) {
	const other = 4001
	w := newWorld(t)
	w.up(t)
	pin := loader.LiveLink(loader.DefaultPins)
	for _, dir := range []string{filepath.Dir(loader.DefaultPins), loader.DefaultPins, filepath.Dir(pin)} {
		check.Must(t, os.Chmod(dir, 0o711))
	}
	alone := func(when string) {
		t.Helper()
		info, err := os.Stat(pin)
		check.Must(t, err)
		if owner := info.Sys().(*syscall.Stat_t).Uid; info.Mode().Perm() != 0o600 || owner != uint32(os.Geteuid()) || opens(pin, other) {
			t.Errorf("%s: mode %v, uid %d, opened by another: %v", when, info.Mode(), owner, opens(pin, other))
		}
	}
	alone("loaded")
	for when, give := range map[string]func() error{
		"given to a user": func() error { return os.Chown(pin, other, other) },
		"open to all":     func() error { return os.Chmod(pin, 0o644) },
	} {
		check.Must(t, give())
		if !opens(pin, other) {
			t.Fatalf("%s: the control does not open it", when)
		}
		warned := false
		for _, f := range loader.Diagnose(w.Options) {
			warned = warned || f.Status == loader.Warning && strings.Contains(f.Detail, "open to others")
		}
		if !warned {
			t.Errorf("%s: the doctor does not see it", when)
		}
		again, err := loader.Up(check.Background(t), w.Options)
		check.Must(t, err)
		check.Must(t, again.Close())
		alone(when + ", then loaded again")
		check.Same(t, "sockets without a path", len(w.pass(t).Verdicts), 0)
	}
}
