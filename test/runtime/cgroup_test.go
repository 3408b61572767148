// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// A cgroup that is removed takes the attachment with it; while sockets that
// were made in it live, the kernel keeps both, out of anybody's reach.
func TestTheCgroupIsRemoved(t *testing.T) {
	for name, live := range map[string]bool{"no socket left": false, "a socket lives on": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.up(t)
			store := w.store(t, resume.Path{Cwnd: 100_000})
			paths := entries(t, store)
			if live {
				listener, err := w.Server.Listen(check.Background(t), lab.ListenSpec{Cgroup: w.Cgroup})
				check.Must(t, err)
				t.Cleanup(func() { listener.Close() })
			}
			check.Must(t, w.Cgroup.Remove())
			check.Eventually(t, patience, "the cgroup is told to be gone", func() bool {
				state := w.inspect(t)
				return state.CgroupID == 0 && state.Cgroup == ""
			})
			check.Same(t, "doctor", w.finding(t, "tcpresume").Status, loader.Problem)

			w.Cgroup = newCgroup(t)
			w.Options.Cgroup = w.Cgroup.Path()
			check.Same(t, "upgraded", w.up(t).Upgraded, false)
			check.Same(t, "cgroup", w.inspect(t).Cgroup, w.Cgroup.Path())
			check.Same(t, "doctor", w.finding(t, "tcpresume").Status, loader.OK)
			check.Same(t, "paths", entries(t, store), paths)
			for _, cc := range controls {
				w.resumes(t, cc, 100_000)
			}
		})
	}
}

func (w *world) finding(t *testing.T, check string) loader.Finding {
	t.Helper()
	for _, finding := range loader.Diagnose(w.Options) {
		if finding.Check == check {
			return finding
		}
	}
	t.Fatalf("the doctor does not look at %s", check)
	return loader.Finding{}
}
