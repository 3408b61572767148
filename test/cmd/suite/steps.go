// SPDX-License-Identifier: Apache-2.0

package main

// A step is one call of "go test".
type step struct {
	name     string // for people
	dir      string // of the module, from the root of the project
	packages []string
	race     bool // where one process runs what users run at the same time
	// alone is for packages that emulate paths or hold the kernel's names of
	// congestion controls: one at a time, and not from the cache. The race detector
	// would slow the path down.
	alone bool
	// long steps need what takes minutes to build.
	long bool
	// cluster needs the CRDs of bpfman-operator.
	cluster bool
}

func steps() []step {
	all := []step{
		{name: "the product's packages", dir: ".", packages: []string{"./cmd/...", "./internal/...", "./pkg/..."}, race: true},
		{name: "its images", dir: ".", packages: []string{"./images"}},
		{name: "documents, builds and the phases of RFC 9959", dir: "test", packages: []string{"./phase", "./law", "./supply", "./kernels", "./figures", "./kube/cluster", "./cmd/..."}},
		{name: "the emulated path", dir: "test", packages: []string{"./lab/..."}, race: true, alone: true},
		{name: "machines that share", dir: "test", packages: []string{"./fleet"}, race: true, alone: true},
		{name: "this kernel", dir: "test", alone: true, packages: []string{
			"./gate", "./runtime", "./careful", "./live", "./agent", "./observe", "./balance", "./rights", "./bpfman"}},
		{name: "manifests and pods against a Kubernetes API server", dir: "test", packages: []string{"./kube/follow", "./kube/manifests", "./kube/node"}, alone: true, long: true, cluster: true},
	}
	for _, server := range []string{"quic-go", "caddy", "haproxy"} {
		all = append(all, step{name: "the server in examples/" + server, dir: "examples/" + server, packages: []string{"./..."}, race: true, long: true})
	}
	return append(all, step{name: "examples/ on a path, and Chromium falling back", dir: "test", packages: []string{"./examples", "./browser"}, alone: true, long: true})
}

// elsewhere are the packages of the test module that another command runs.
var elsewhere = map[string]string{
	"./faults":       "make test-faults",
	"./kube/kubelet": "make test-node",
	"./signature":    "make test-signature",
}

// arguments are those of "go"; a short run has each value of a matrix once.
func (s step) arguments(short bool) []string {
	args := []string{"test", "-json", "-timeout", "30m"}
	if short {
		args = append(args, "-short")
	}
	if s.race {
		args = append(args, "-race")
	}
	if s.alone {
		args = append(args, "-p", "1", "-count", "1")
	}
	return append(args, s.packages...)
}
