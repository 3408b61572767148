// SPDX-License-Identifier: Apache-2.0

// Package kube follows what bpfman-operator says it loaded on this node: the
// ClusterBpfApplicationState or BpfApplicationState object of one application,
// listed and then watched, with the kernel ids of its programs.
//
// It owns the credentials (the service account's, read again for each request,
// or a kubeconfig's), the API server's address, the resuming of a watch, its
// back-off, and the reading of the object. It refuses to write anything, to
// know a program by more than its name and id, and to use Kubernetes' client
// libraries: two requests do not need them, and they would triple the binary.
//
// Arrow: kube -> textfile, yaml
package kube
