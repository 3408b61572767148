// SPDX-License-Identifier: Apache-2.0

// Package runtime tests the life of a loaded tcpresume on the running kernel:
// coming up beside others, being replaced, killed or cut off from its cgroup
// while connections live, failing half-way, and going away.
//
// It owns what is left in the kernel and in the bpffs after each of these. It
// refuses the decisions about single connections (package gate), and it refuses
// to skip: a feature that the kernel lacks is a failure.
//
//	runtime -> rig, lab -> loader, pathstore, kernel
package runtime
