// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

const patience = 2 * time.Minute

// web is an ordinary pod of the strictest level that serves TCP.
const web = `apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: registry.test/busybox:1
    command: [/bin/busybox, httpd, -f, -p, "8080", -h, /bin]
    securityContext:
      runAsUser: 1000
      runAsNonRoot: true
      allowPrivilegeEscalation: false
      seccompProfile: {type: RuntimeDefault}
      capabilities: {drop: [ALL]}
`

// reporter is an ordinary pod of the sockets' group.
const reporter = `apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  containers:
  - name: report
    image: ghcr.io/tcpresume/tcpresume:v1
    args: [report, PEER, --cwnd=256KiB, --rtt=20ms, --sent=9MB]
    securityContext:
      runAsUser: 65532
      runAsGroup: 65532
      allowPrivilegeEscalation: false
      seccompProfile: {type: RuntimeDefault}
      capabilities: {drop: [ALL]}
    volumeMounts: [{name: sockets, mountPath: /run/tcpresume}]
  volumes: [{name: sockets, hostPath: {path: /run/tcpresume, type: Directory}}]
`

func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := machine.api.Kubectl(t.Context(), stdin, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, machine.told(t.Context()))
	}
	return out
}

// applied makes a pod and waits for it; it is gone after the test.
func applied(t *testing.T, manifest, name, until string) {
	t.Helper()
	kubectl(t, manifest, "apply", "-f", "-")
	t.Cleanup(func() { _, _ = machine.api.Kubectl(check.Background(t), "", "delete", "pod", name) })
	kubectl(t, "", "wait", "--for="+until, "--timeout=90s", "pod/"+name)
}

// reports has a pod report a peer, and checks that the report is stored.
func reports(t *testing.T, peer netip.Addr) {
	t.Helper()
	name := "report-" + strings.ReplaceAll(peer.String(), ".", "-")
	applied(t, strings.NewReplacer("NAME", name, "PEER", peer.String()).Replace(reporter), name, "jsonpath={.status.containerStatuses[0].state.terminated}")
	check.Same(t, "the reporter", kubectl(t, "", "logs", name), "stored\n")
}

// resumes connects from a peer to the pod that serves, and checks that exactly
// this connection was resumed.
func resumes(t *testing.T, peer netip.Addr) {
	t.Helper()
	before := resumed(t)
	address, err := netip.ParseAddr(kubectl(t, "", "get", "pod", "web", "-o", "jsonpath={.status.podIP}"))
	check.Must(t, err)
	client, err := machine.Client.Dial(check.Background(t), lab.DialSpec{Addr: netip.AddrPortFrom(address, 8080), Local: peer})
	check.Must(t, err)
	defer client.Close()
	_, err = fmt.Fprint(client, "GET / HTTP/1.0\r\n\r\n")
	check.Must(t, err)
	_, err = client.Read(make([]byte, 1))
	check.Must(t, err)
	check.Same(t, fmt.Sprintf("connections resumed after one from %v", peer), resumed(t), before+1)
}

// writes has the writer of the manifests store a path through a volume of maps.
func writes(t *testing.T) {
	t.Helper()
	kubectl(t, "", "apply", "--server-side", "--validate=strict", "-k", "../../../manifests/writer")
	t.Cleanup(func() {
		_, err := machine.api.Kubectl(check.Background(t), "", "delete", "-k", "../../../manifests/writer")
		check.Must(t, err)
	})
	kubectl(t, "", "-n", "tcpresume-writer", "wait", "--for=condition=Complete", "--timeout=60s", "job/writer")
	written(t)
}

// path is the part of "tcpresume get -o json" that time does not change.
type path struct {
	Peer     netip.Addr
	Cwnd     uint64
	RTT      int64 `json:"rtt_us"`
	Source   string
	State    string
	Uses     int
	Retreats int
}

// written checks that what the writer wrote is where connections look for it.
func written(t *testing.T) {
	t.Helper()
	const peer = "192.0.2.1" // of the manifest
	out, err := inPod(t.Context(), "get", peer, "-o", "json")
	check.Must(t, err)
	var got path
	check.Must(t, json.Unmarshal([]byte(out), &got))
	check.Same(t, "the path that was written over CSI", got, path{Peer: netip.MustParseAddr(peer), Cwnd: 256 << 10, RTT: 80_000, Source: "operator", State: "free"})
}

func TestTheNodeRunsOrdinaryPods(t *testing.T) {
	applied(t, web, "web", "condition=Ready")
	out := kubectl(t, "", "exec", "web", "--", "/bin/busybox", "hostname")
	check.Same(t, "host name", out, "web\n")
}
