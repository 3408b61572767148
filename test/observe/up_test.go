// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// One process can keep the kernel part and take reports; what it loaded stays.
func TestUpServesReportsToo(t *testing.T) {
	sockets := filepath.Join(dir, "up")
	a, err := rig.StartAgentBy(exec.Command(program, "up", "--agent", "--cgroup", loaded.Options.Cgroup, "--socket-dir", sockets), sockets)
	check.Must(t, err)
	var status struct {
		Runtime loader.State
		Agent   struct{ PID int }
	}
	check.Must(t, json.Unmarshal([]byte(run(t, a, "status", "-o", "json")), &status))
	if status.Runtime.ServedBy != a.Process.Pid || status.Agent.PID != a.Process.Pid {
		t.Errorf("process %d, but %+v", a.Process.Pid, status)
	}
	peer, err := resume.ParsePeer("203.0.113.7")
	check.Must(t, err)
	answer, err := client.Send(t.Context(), sockets, resume.Report{Peer: peer, Cwnd: 300_000, MinRTT: 1e6})
	if err != nil || answer.Stored != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	check.Must(t, a.Stop())
	state, err := loader.Inspect(loaded.Options)
	check.Must(t, err)
	if state.ServedBy != 0 || state.CgroupID == 0 {
		t.Errorf("afterwards %+v", state)
	}
	entry, err := loaded.Store.Get(peer, 0)
	if err != nil || entry.Cwnd != 300_000 {
		t.Errorf("the path is %+v, %v", entry, err)
	}
}
