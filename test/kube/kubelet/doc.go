// SPDX-License-Identifier: Apache-2.0

// Package kubelet runs the manifests on a real node: kubelet and containerd with
// runc, in namespaces and cgroups of their own, under a real API server with its
// controllers and scheduler.
//
// It owns the node from its boot to its end, and the registry that its images come
// from. It refuses to change a manifest, and to leave anything behind: when the
// first process of the node is killed, all of the node is gone. The tests play
// bpfman-operator, bpfman and its CSI driver.
//
//	kubelet -> kube/cluster, kube/generation, lab, rig
package kubelet
