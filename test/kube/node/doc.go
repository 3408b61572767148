// SPDX-License-Identifier: Apache-2.0

// Package node tests the container "kernel" of the DaemonSet: the real binary
// with the arguments, capabilities and credentials that the manifest gives it,
// a real API server, and programs that are really loaded.
//
// It owns what is attached while state objects are created, changed and
// deleted and the API server restarts. It refuses bpfman itself: the test loads
// as its daemon in a pod does, with pins that nobody else sees.
//
//	node -> cluster, rig, lab -> kernel, kube-apiserver
package node
