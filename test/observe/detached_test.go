// SPDX-License-Identifier: Apache-2.0

package observe

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// Maps that can be read are no sign that anything works. An agent without any
// capability, as the shipped unit runs it, tells when the program is detached
// or its pin is gone, and when "up" has mended it.
func TestADetachedProgramIsTold(t *testing.T) {
	pin := filepath.Join(loader.DefaultPins, "links", "sockops")
	for name, detach := range map[string]func() error{
		"detached": func() error {
			l, err := link.LoadPinnedLink(pin, nil)
			if err != nil {
				return err
			}
			defer l.Close()
			return l.Detach()
		},
		"pin removed": func() error { return os.Remove(pin) },
	} {
		t.Run(name, func(t *testing.T) {
			port, sockets := freePort(t), filepath.Join(t.TempDir(), "run")
			log := filepath.Join(t.TempDir(), "log")
			said := func(words string) func() bool {
				return func() bool {
					text, err := os.ReadFile(log)
					check.Must(t, err)
					return strings.Contains(string(text), words)
				}
			}
			a, err := rig.StartAgentBy(exec.Command("sh", "-c", `exec "$@" 2>"$0"`, log, "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs",
				program, "agent", "--pins", loader.DefaultPins, "--socket-dir", sockets, "--metrics", port), sockets)
			check.Must(t, err)
			tells := func(up int, ready int) func() bool {
				return func() bool {
					_, metrics := get(t, port, "/metrics")
					status, _ := get(t, port, "/readyz")
					return strings.Contains(metrics, fmt.Sprintf("\ntcpresume_kernel_up %d\n", up)) && status == ready
				}
			}
			check.Eventually(t, patience, "attached", tells(1, 200))
			check.Must(t, detach())
			check.Eventually(t, patience, "the metric and the readiness say so", tells(0, 503))
			if status, text := get(t, port, "/healthz"); status != 200 || !strings.Contains(text, "connections start cold") {
				t.Errorf("liveness: %d %s", status, text)
			}
			check.Eventually(t, patience, "the log says so", said("connections start cold"))
			up, err := loader.Up(check.Background(t), loaded.Options)
			check.Must(t, err)
			check.Must(t, up.Close())
			check.Eventually(t, patience, "up mends it", tells(1, 200))
			check.Eventually(t, patience, "the log says so, too", said("the kernel part works"))
			check.Must(t, a.Stop())
		})
	}
}

func get(t *testing.T, port, path string) (int, string) {
	t.Helper()
	reply, err := http.Get("http://" + port + path)
	check.Must(t, err)
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	check.Must(t, err)
	return reply.StatusCode, string(text)
}

// "up" that stays answers probes, whoever loads the programs.
func TestUpIsNotReadyOnceDetached(t *testing.T) {
	port := freePort(t)
	up := exec.Command(program, "up", "--cgroup", loaded.Options.Cgroup, "--health", port)
	up.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var said bytes.Buffer
	up.Stderr = &said
	check.Must(t, up.Start())
	ready := func(want int) func() bool {
		return func() bool {
			reply, err := http.Get("http://" + port + "/readyz")
			if err != nil {
				return false
			}
			defer reply.Body.Close()
			return reply.StatusCode == want
		}
	}
	check.Eventually(t, patience, "ready", ready(200))
	l, err := link.LoadPinnedLink(filepath.Join(loader.DefaultPins, "links", "sockops"), nil)
	check.Must(t, err)
	check.Must(t, l.Detach())
	check.Must(t, l.Close())
	check.Eventually(t, patience, "not ready", ready(503))
	check.Must(t, up.Process.Signal(syscall.SIGTERM))
	check.Must(t, up.Wait())
	if !strings.Contains(said.String(), "connections start cold") {
		t.Errorf("up says %s", said.String())
	}
	again, err := loader.Up(check.Background(t), loaded.Options)
	check.Must(t, err)
	check.Must(t, again.Close())
}
