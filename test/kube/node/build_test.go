// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/generation"
)

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
	other := generation.LoadOther(t)
	for _, c := range []struct {
		g     *generation.Generation
		other bool
	}{{other, true}, {generation.LoadGo(t), false}} {
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
