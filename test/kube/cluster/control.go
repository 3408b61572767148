// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"strings"
)

// ControlPrograms are those that a Place needs for StartControl.
var ControlPrograms = []string{"kube-controller-manager", "kube-scheduler"}

// controllers are those that pods of manifests need; each costs memory.
const controllers = "daemonset-controller,job-controller,namespace-controller,serviceaccount-controller,root-ca-certificate-publisher-controller," +
	"garbage-collector-controller,pod-garbage-collector-controller,node-lifecycle-controller,taint-eviction-controller"

// StartControl starts what makes pods of manifests and gives them a node.
func (c *Cluster) StartControl() error {
	for name, flags := range map[string][]string{
		"kube-controller-manager": {"--service-account-private-key-file", c.file("sa.key"), "--root-ca-file", c.file("certs/apiserver.crt"), "--controllers", controllers},
		"kube-scheduler":          nil,
	} {
		flags = append(flags, "--kubeconfig", c.Kubeconfig, "--leader-elect=false", "--secure-port=0")
		p, err := c.run(c.file(name+".log"), filepath.Join(c.tools, name), flags...)
		if err != nil {
			return err
		}
		c.others = append(c.others, p)
	}
	return nil
}

// Authority is the certificate of the API server.
func (c *Cluster) Authority() string { return c.file("certs/apiserver.crt") }

// Program is the path of one that was built.
func (c *Cluster) Program(name string) string { return filepath.Join(c.tools, name) }

// Directory makes one that goes with the cluster, or at the latest when the next
// one finds it left behind.
func (c *Cluster) Directory(name string) (string, error) {
	return c.file(name), os.Mkdir(c.file(name), 0o755)
}

// Said is the end of what the cluster's programs logged.
func (c *Cluster) Said() string {
	var text strings.Builder
	for _, p := range append(c.others, c.server) {
		text.WriteString(p.log + ":\n" + p.lastLines() + "\n")
	}
	return text.String()
}
