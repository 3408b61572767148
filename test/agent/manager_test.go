// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// A service manager is told when reports can come, that the agent lives, and that it ends.
func TestServiceManagerIsTold(t *testing.T) {
	s := newStage(t)
	name := filepath.Join(filepath.Dir(s.sockets), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	check.Must(t, err)
	defer manager.Close()
	told := func() string {
		t.Helper()
		check.Must(t, manager.SetReadDeadline(time.Now().Add(patience)))
		buf := make([]byte, 100)
		n, err := manager.Read(buf)
		check.Must(t, err)
		return string(buf[:n])
	}
	cmd := exec.Command(program, "agent", "--pins", s.pins, "--socket-dir", s.sockets)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+name, "WATCHDOG_USEC=60000")
	a, err := rig.StartAgentBy(cmd, s.sockets)
	check.Must(t, err)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := told(); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	check.Must(t, a.Stop())
	for got := told(); got != "STOPPING=1"; got = told() {
		if got != "WATCHDOG=1" {
			t.Fatalf("told %q at the end", got)
		}
	}
}
