// SPDX-License-Identifier: Apache-2.0

// Package operator lets bpfman-operator say what is loaded on this node: its
// state object, followed by package kube, is one of the sources that package
// bpfman asks, and the kubelet is told whether what it names is in use.
//
// It owns what a state means: loaded, not yet, or taken away. It refuses to
// touch the kernel, and to take silence of the API server for an answer.
//
// Arrow: operator -> bpfman, kube
package operator
