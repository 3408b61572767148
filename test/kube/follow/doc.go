// SPDX-License-Identifier: Apache-2.0

// Package follow tests that the state objects of bpfman-operator are followed
// on a real API server, with a service account's real token: through creation,
// change and deletion, restarts, lost connections, expired versions and lost
// rights.
//
// It owns what package kube delivers. It refuses the kernel: what is done with
// the programs is package node's. The operator's part is written by the test,
// in its own form.
//
//	follow -> cluster, pkg/kube
package follow
