// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// As the unit file says: root without any capability, over a bpffs that is
// mounted read-only, in a directory that the service manager made.
func TestNoCapabilityIsNeeded(t *testing.T) {
	s := newStage(t)
	check.Must(t, os.MkdirAll(s.sockets, 0o750))
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
		`mount --bind -o ro "$1" "$1" && mount -o remount,bind,ro "$1" && exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$2" agent --pins "$1" --socket-dir "$3"`,
		"sh", s.pins, program, s.sockets)
	a, err := rig.StartAgentBy(cmd, s.sockets)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, a.Stop()) })
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.Process.Pid))
	check.Must(t, err)
	if !strings.Contains(string(status), "CapEff:\t0000000000000000") {
		t.Fatalf("the agent has capabilities:\n%s", status)
	}
	answer, err := client.Send(check.Background(t), s.sockets, grown(peerOf(1), 300_000))
	if err != nil || answer.Stored != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	if got, want := s.entry(t, peerOf(1)), stored(peerOf(1), 300_000); got != want {
		t.Errorf("got %+v\n  want %+v", got, want)
	}
	_, out, _ := s.run(t, "watch", "--for", "100ms", "-o", "json")
	if out != "" {
		t.Errorf("watch printed %s", out)
	}
}
