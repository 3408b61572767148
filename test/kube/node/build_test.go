// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/test/check"
)

// loadOther loads what decides from an image of another build.
func loadOther(t *testing.T) *generation {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	check.Must(t, err)
	decider := spec.Programs[bytecode.KernelProgTcpResume]
	decider.Instructions = slices.Insert(decider.Instructions, 1, asm.Mov.Imm(asm.R0, 1)) // another tag, the same work
	spec.Programs = map[string]*ebpf.ProgramSpec{bytecode.KernelProgTcpResume: decider}
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	g := &generation{parts: []*ebpf.Collection{coll}}
	t.Cleanup(g.unload)
	return g
}

// The operator compares no images: where the agent is new and the image is not,
// status says so and what to do, until the image is loaded.
func TestAnImageOfAnotherBuildIsTold(t *testing.T) {
	type view struct {
		Runtime struct {
			Origin struct {
				OtherBuild bool `json:"other_build"`
			}
		}
	}
	w := newWorld(t)
	p := run(t, w.cgroup.Path())
	w.create()
	other := loadOther(t)
	for _, c := range []struct {
		g     *generation
		other bool
	}{{other, true}, {loadGo(t), false}} {
		w.report(c.g)
		w.overMapsSoon(c.g)
		p.becomes("ok")
		var got, want view
		want.Runtime.Origin.OtherBuild = c.other
		inPod := func(args ...string) string {
			cmd := exec.Command(binary, append([]string{"status"}, args...)...)
			cmd.Env = p.cmd.Env
			out, err := cmd.Output()
			check.Must(t, err)
			return string(out)
		}
		check.Must(t, json.Unmarshal([]byte(inPod("-o", "json")), &got))
		check.Same(t, "status", got, want)
		text := inPod()
		if told := strings.Contains(text, "of an image of another build"); told != c.other || strings.Contains(text, "upgrade.sh") != c.other {
			t.Errorf("status says\n%s", text)
		}
	}
}
