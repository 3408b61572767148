// SPDX-License-Identifier: Apache-2.0

// Package manifests tests the folder manifests against a real API server: each
// is rendered, admitted without a warning, and gives no right that is not used.
//
// It owns what a manifest says. It refuses to run any of it: following what
// bpfman-operator loads is package follow's.
//
//	manifests -> cluster -> kube-apiserver
package manifests
