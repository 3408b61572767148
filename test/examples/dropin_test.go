// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"os/exec"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/example"
)

func TestDropinMapsByBpftool(t *testing.T) {
	s := newStage(t, false)
	script := at(t, "examples/dropin/tcpresume-dropin")
	call := func(args ...string) error {
		cmd := exec.CommandContext(s.ctx, script, args...)
		cmd.Env = append(cmd.Environ(), "MAPS="+loader.MapsDir(loader.DefaultPins))
		return example.Quietly(cmd)
	}
	t.Cleanup(func() { check.Must(t, call("clear")) })
	cold := s.fetch(t)
	check.Must(t, call("set", "600000", "650000"))
	got, err := loaded.Store.Dropin()
	check.Must(t, err)
	check.Same(t, "maps", got, pathstore.Dropin{Cwnd: 600_000, Ssthresh: 650_000, Fallback: 1})
	check.Must(t, call("show"))

	resumed := s.fetch(t)
	check.Eventually(t, patience, "event closed", func() bool { return len(s.events.Kernel("closed")) > 0 })
	begun := s.events.Kernel("resumed")
	if len(begun) != 1 || begun[0].Source != resume.SourceDropin || begun[0].SavedCwnd != 600_000 {
		t.Errorf("resumed: %+v", begun)
	}
	check.Must(t, call("clear"))
	s.fetch(t)
	counters, err := loaded.Counters()
	check.Must(t, err)
	check.Same(t, "resumed by the maps", counters["resumed_by_dropin"]-s.seen["resumed_by_dropin"], 1)
	t.Logf("1 MB over TCP in %v cold, in %v resumed", cold.Elapsed, resumed.Elapsed)

	for _, wrong := range [][]string{{}, {"set"}, {"set", "1"}, {"set", "many", "1"}, {"set", "-1", "1"}, {"reset"}} {
		if call(wrong...) == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
