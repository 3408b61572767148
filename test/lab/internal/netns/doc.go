// SPDX-License-Identifier: Apache-2.0

// Package netns owns anonymous network namespaces and the TUN devices in them.
//
// A namespace is held by a file descriptor alone, without a name under
// /run/netns: the kernel removes it, and every device in it, when the process
// ends for whatever reason.
//
// It refuses to name namespaces, to configure addresses or routes, and to touch
// the namespace the process started in.
//
//	lab -> netns -> kernel (unshare, setns, /dev/net/tun)
package netns
