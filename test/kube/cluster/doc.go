// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a real Kubernetes API server with its etcd for a test:
// the judge of CRDs, manifests and rights.
//
// It owns the processes, their directory, their restart and their end, and where
// nodes are to be, controllers and scheduler. It refuses to play the rest of a
// cluster: there is no kubelet and no operator, and whoever needs what those write
// must write it.
//
//	manifests, follow, node, kubelet -> cluster -> kube-apiserver, etcd, kubectl
package cluster
