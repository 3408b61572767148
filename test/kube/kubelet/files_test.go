// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// containerdConfig leaves cgroups to runc's defaults: a machine whose controllers
// are those of cgroup v1 has none for limits.
const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.test/busybox:1"
  restrict_oom_score_adj = true
  disable_cgroup = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "DIR/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "DIR/registries"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: [none]
failSwapOn: false
oomScoreAdj: 0
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
`

const podNetwork = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "cni0", "isGateway": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "` + podPrefix + `"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": "/run/cni"}
}]}
`

// writeFiles lays out what outlives a boot. Every image comes from the registry.
func (n *node) writeFiles(registry string) error {
	kubeconfig, err := os.ReadFile(n.api.Kubeconfig)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"containerd.toml":                strings.ReplaceAll(containerdConfig, "DIR", n.dir),
		"kubelet.yaml":                   kubeletConfig,
		"kubeconfig":                     strings.ReplaceAll(string(kubeconfig), "certs/apiserver.crt", n.api.Authority()),
		"cni/10-pods.conflist":           podNetwork,
		"registries/_default/hosts.toml": fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n", "http://"+registry),
	} {
		path := filepath.Join(n.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	for _, name := range []string{"disk/lib", "disk/log"} {
		if err := os.MkdirAll(filepath.Join(n.dir, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}
