// SPDX-License-Identifier: Apache-2.0

// Package rig loads tcpresume for a test, a demo or a benchmark: in a mount
// namespace of its own with a bpffs of its own, on a cgroup of its own.
//
// It owns isolation and clean-up. It refuses to touch what the machine runs.
//
//	tests, demo, bench -> rig -> lab, pkg/loader, pkg/pathstore
package rig
