// SPDX-License-Identifier: Apache-2.0

package loader

import "os"

// InPod reports whether Kubernetes runs this process: then the node's mounts,
// settings and other tools are out of its reach, and remedies have to be others.
func InPod() bool { return os.Getenv("KUBERNETES_SERVICE_HOST") != "" }

// reachable is the remedy that fits where this process runs.
func reachable(here, inPod string) string {
	if InPod() {
		return inPod
	}
	return here
}
