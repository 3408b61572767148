// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// step is what the clock of a stepped program is set by, stepAfter its start, as
// by NTP soon after boot.
const (
	step      = time.Hour
	stepAfter = 2 * time.Second
)

// buildStepped builds the program over a time package whose clock is set once.
func buildStepped(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	check.Must(t, err)
	source := filepath.Join(strings.TrimSpace(string(root)), "src/time/time.go")
	text, err := os.ReadFile(source)
	check.Must(t, err)
	const begin = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	if !bytes.Contains(text, []byte(begin)) {
		t.Fatalf("%s has another Now", source)
	}
	set := fmt.Sprintf("\tif stepAt == 0 {\n\t\tstepAt = mono + %d\n\t}\n\tif mono > stepAt {\n\t\tsec += %d\n\t}\n", stepAfter, int(step.Seconds()))
	text = bytes.Replace(text, []byte(begin), []byte(begin+set), 1)
	dir := t.TempDir()
	check.Must(t, os.WriteFile(filepath.Join(dir, "time.go"), append(text, "\nvar stepAt int64\n"...), 0o600))
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {source: filepath.Join(dir, "time.go")}})
	check.Must(t, err)
	check.Must(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	stepped, err := rig.BuildProgram(dir, "-overlay", filepath.Join(dir, "overlay.json"))
	check.Must(t, err)
	return stepped
}

// After a step of the clock all that an agent dates is dated by the clock as it is
// now: events, and what it has known since before.
func TestAStepOfTheClock(t *testing.T) {
	policy := resume.DefaultPolicy()
	policy.Learn = false
	check.Must(t, loaded.Store.SetPolicy(pathstore.Rule{Policy: policy}))
	l, err := lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	defer func() { check.Must(t, l.Close()) }()
	a, err := rig.StartAgent(buildStepped(t), loader.DefaultPins, filepath.Join(dir, "stepped"), "--fleet", "nats://127.0.0.1:1")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, a.Stop()) })
	events := watch(t, a, "json")
	var status struct {
		Started time.Time
		Fleet   struct {
			Since   time.Time
			ErrorAt time.Time `json:"error_at"`
		}
	}
	check.Eventually(t, patience, "a state of the fleet", func() bool {
		check.Must(t, json.Unmarshal([]byte(run(t, a, "status", "-o", "json")), &struct{ Agent any }{&status}))
		return !status.Fleet.ErrorAt.IsZero()
	})
	time.Sleep(stepAfter + time.Second)
	_, err = loaded.Store.Put(resume.Path{
		Peer: l.Client.IPv4, Cwnd: 60_000, RTT: 20 * time.Millisecond,
		Mode: resume.ModeExact, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
	})
	check.Must(t, err)
	_, err = l.Fetch(context.Background(), lab.ListenSpec{CC: "cubic", Cgroup: loaded.Cgroup}, lab.Fetch{Bytes: 100_000, Local: l.Client.IPv4})
	check.Must(t, err)
	check.Eventually(t, patience, "an event", func() bool { return strings.Contains(events.text(), "\n") })
	first, _, _ := strings.Cut(events.text(), "\n")
	var event struct{ Time time.Time }
	check.Must(t, json.Unmarshal([]byte(first), &event))
	check.Must(t, json.Unmarshal([]byte(run(t, a, "status", "-o", "json")), &struct{ Agent any }{&status}))
	for what, at := range map[string]time.Time{"the event": event.Time, "its start": status.Started, "the fleet's state": status.Fleet.Since, "its error": status.Fleet.ErrorAt} {
		if off := time.Now().Add(step).Sub(at); off < 0 || off > time.Minute {
			t.Errorf("%s is dated %v before the clock", what, off)
		}
	}
}
