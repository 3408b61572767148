// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/kube/generation"
)

var application = cluster.App{Name: "tcpresume", Node: nodeName}

// One life of the shipped manifests on a node, in the order in which it happens.
// What is reported before an event is used by a connection after it.
func TestTheManifestsOnANode(t *testing.T) {
	for _, tag := range []string{"v1", "v2"} {
		check.Must(t, machine.images.agent(agentLayout, tag))
	}
	applied(t, web, "web", "condition=Ready")
	kubectl(t, "", "apply", "--server-side", "--validate=strict", "-k", "../../../manifests/bpfman-go")
	next := peers(t)

	check.Eventually(t, patience, "both containers live without an application", func() bool {
		return field(t, "{.items[*].status.containerStatuses[*].started}") == "true true"
	})
	check.Must(t, machine.api.CreateState(t.Context(), application))
	first := generation.LoadGo(t)
	report(t, first)
	ready(t)
	check.Same(t, "restarts of a fresh install", field(t, "{.items[*].status.containerStatuses[*].restartCount}"), "0 0")
	used := next()
	reports(t, used)
	resumes(t, used)
	machine.driver.serves(first)
	writes(t)

	used = next()
	reports(t, used)
	before := containers(t)
	t.Log("kubelet is killed")
	check.Must(t, machine.kill("kubelet"))
	again(t)
	t.Log("containerd is killed")
	check.Must(t, machine.kill("containerd"))
	again(t)
	check.Same(t, "containers after kubelet and containerd were killed", containers(t), before)
	resumes(t, used)

	t.Log("the pod is deleted")
	used = next()
	reports(t, used)
	kubectl(t, "", "-n", "tcpresume", "delete", "pod", "-l", "app.kubernetes.io/name=tcpresume")
	ready(t)
	resumes(t, used)

	t.Log("the agent is upgraded")
	used = next()
	reports(t, used)
	kubectl(t, "", "apply", "--server-side", "--validate=strict", "-k", tagged(t, "v2"))
	ready(t)
	check.Same(t, "images", field(t, "{.items[*].spec.containers[*].image}"), "ghcr.io/tcpresume/tcpresume:v2 ghcr.io/tcpresume/tcpresume:v2")
	resumes(t, used)

	t.Log("the programs are upgraded")
	used = next()
	reports(t, used)
	second := generation.LoadGo(t)
	report(t, second)
	attached(t, second)
	first.Unload()
	ready(t)
	resumes(t, used)
	written(t)

	t.Log("the node boots")
	check.Must(t, machine.off())
	second.Unload()
	check.Must(t, machine.boot())
	third := generation.LoadGo(t)
	report(t, third)
	again(t)
	attached(t, third)
	used = next()
	reports(t, used)
	resumes(t, used)

	t.Log("the application is deleted, and then all")
	check.Must(t, machine.api.DeleteState(t.Context(), application))
	check.Eventually(t, patience, "nothing is attached", func() bool { return sockops(t) == 0 })
	check.Must(t, machine.api.ReleaseState(t.Context(), application))
	third.Unload()
	kubectl(t, "", "delete", "--ignore-not-found", "--timeout=90s", "-k", "../../../manifests/bpfman-go")
	check.Same(t, "pods", kubectl(t, "", "get", "pods", "-n", "tcpresume", "-o", "name"), "")
	check.Same(t, "pins", pins(t), nil)
	check.Same(t, "congestion controls", wrappers(t), nil)
}

// peers gives the lab's client address after address of the documentation's.
func peers(t *testing.T) func() netip.Addr {
	peer := netip.MustParseAddr("203.0.113.0")
	return func() netip.Addr {
		t.Helper()
		peer = peer.Next()
		check.Must(t, machine.Client.AddAddr(peer))
		return peer
	}
}

// report writes what bpfman-operator would.
func report(t *testing.T, g *generation.Generation) {
	t.Helper()
	check.Must(t, machine.api.SetState(t.Context(), application, "LoadSuccess", g.Reported(t)...))
}

// ready waits until every pod of the manifests is.
func ready(t *testing.T) {
	t.Helper()
	kubectl(t, "", "-n", "tcpresume", "rollout", "status", "ds/tcpresume", "--timeout=120s")
}

// again waits until the API server has heard from what was killed: the node's
// kubelet, and through it the pods.
func again(t *testing.T) {
	t.Helper()
	check.Eventually(t, patience, "the pods can be reached again", func() bool {
		_, err := inPod(t.Context(), "status")
		return err == nil
	})
	kubectl(t, "", "wait", "--for=condition=Ready", "--timeout=120s", "node/"+nodeName)
	ready(t)
	kubectl(t, "", "wait", "--for=condition=Ready", "--timeout=120s", "pod/web")
}

// inPod runs a verb in container kernel.
func inPod(ctx context.Context, args ...string) (string, error) {
	return machine.api.Kubectl(ctx, "", append([]string{"-n", "tcpresume", "exec", "ds/tcpresume", "-c", "kernel", "--", "tcpresume"}, args...)...)
}

// status is the part of "tcpresume status -o json" that is looked at.
type status struct {
	Runtime  struct{ Program struct{ ID uint32 } }
	Counters map[string]uint64
}

func statusOf(t *testing.T) (s status) {
	t.Helper()
	out, err := inPod(t.Context(), "status", "-o", "json")
	check.Must(t, err)
	check.Must(t, json.Unmarshal([]byte(out), &s))
	return s
}

func resumed(t *testing.T) uint64 {
	t.Helper()
	return statusOf(t).Counters["resumed"]
}

// attached waits until a generation decides.
func attached(t *testing.T, g *generation.Generation) {
	t.Helper()
	id := g.ID(t, bytecode.KernelProgTcpResume)
	check.Eventually(t, patience, "the generation is attached", func() bool { return statusOf(t).Runtime.Program.ID == id })
}

// containers are the ids of those of the manifests and how often each was started again.
func containers(t *testing.T) string {
	t.Helper()
	return field(t, `{range .items[*].status.containerStatuses[*]}{.name} {.restartCount} {.containerID}{"\n"}{end}`)
}

// field is of the manifests' pods.
func field(t *testing.T, path string) string {
	t.Helper()
	return kubectl(t, "", "-n", "tcpresume", "get", "pods", "-o", "jsonpath="+path)
}

// tagged is an overlay as docs/kubernetes.md shows it, with another tag.
func tagged(t *testing.T, tag string) string {
	t.Helper()
	dir, err := os.MkdirTemp("../../../build", "node-")
	check.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	text := fmt.Sprintf("resources: [../../manifests/bpfman-go]\nimages: [{name: ghcr.io/tcpresume/tcpresume, newTag: %s}]\n", tag)
	check.Must(t, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(text), 0o600))
	return dir
}

// sockops is how many such programs the node's cgroup has.
func sockops(t *testing.T) int {
	t.Helper()
	cgroup, err := os.Open(machine.cgroup.Path())
	check.Must(t, err)
	defer cgroup.Close()
	result, err := link.QueryPrograms(link.QueryOptions{Target: int(cgroup.Fd()), Attach: ebpf.AttachCGroupSockOps})
	check.Must(t, err)
	return len(result.Programs)
}

// pins are the names on the node's bpffs.
func pins(t *testing.T) (names []string) {
	t.Helper()
	first, err := children(machine.init.Process.Pid)
	check.Must(t, err)
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/sys/fs/bpf", first[0]))
	check.Must(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".debug") { // the kernel's own
			names = append(names, entry.Name())
		}
	}
	return names
}

// wrappers are the congestion controls of tcpresume that the kernel has.
func wrappers(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	check.Must(t, err)
	for _, name := range strings.Fields(string(text)) {
		if strings.HasPrefix(name, "resume_") {
			names = append(names, name)
		}
	}
	return names
}
