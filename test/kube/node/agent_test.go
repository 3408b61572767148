// SPDX-License-Identifier: Apache-2.0

package node

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/generation"
)

// The container "agent" has CAP_BPF, without which the runtime's seccomp profile
// refuses bpf(2), and nothing else. It may start before the other one, and takes up the maps of each
// generation by itself.
func TestTheAgentWritesIntoWhatTheOtherContainerAttached(t *testing.T) {
	w := newWorld(t)
	spec := manifest(t, "agent")
	if add := spec.SecurityContext.Capabilities.Add; !slices.Equal(add, []string{"BPF"}) {
		t.Errorf("capabilities %v", add)
	}
	config := filepath.Join(t.TempDir(), "agent.yaml") // where the ConfigMap is mounted
	text, err := os.ReadFile("../../../manifests/base/agent.yaml")
	check.Must(t, err)
	check.Must(t, os.WriteFile(config, text, 0o600))
	for i, arg := range spec.Args {
		switch name, _, _ := strings.Cut(arg, "="); name {
		case "--config":
			spec.Args[i] = name + "=" + config
		case "--metrics":
			spec.Args[i] = name + "=127.0.0.1:0"
		}
	}
	sockets := t.TempDir()
	a := start(t, spec, "--socket-dir="+sockets)
	check.Eventually(t, patience, "the agent waits", func() bool { return strings.Contains(a.said(), "waiting for maps at "+podPins+"/maps") })

	p := run(t, w.cgroup.Path())
	w.create()
	first := generation.LoadGo(t)
	w.report(first)
	p.becomes("ok")
	takes(t, sockets, "203.0.113.1")

	second := generation.LoadGo(t)
	w.report(second)
	w.overMapsSoon(second)
	takes(t, sockets, "203.0.113.2")
	for _, peer := range []string{"203.0.113.1", "203.0.113.2"} {
		if out := output(t, "list", "-o", "json"); !strings.Contains(out, peer) {
			t.Errorf("%s is not in the second generation:\n%s", peer, out)
		}
	}
}

// takes reports a path until it is where connections look for it.
func takes(t *testing.T, sockets, peer string) {
	t.Helper()
	report := resume.Report{Peer: netip.MustParseAddr(peer), Cwnd: 200_000, MinRTT: 20 * time.Millisecond, ID: peer}
	check.Eventually(t, patience, "the report of "+peer+" is stored", func() bool {
		if _, err := client.Send(t.Context(), sockets, report); err != nil {
			return false // it starts, or changes over
		}
		return strings.Contains(output(t, "list", "-o", "json"), peer)
	})
}
