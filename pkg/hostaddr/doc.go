// SPDX-License-Identifier: Apache-2.0

// Package hostaddr knows the addresses of this machine as they are now: those of
// this process's network namespace, at once when they change, and those of the
// namespace of the process that asks, within seconds.
//
// It owns the kernel's notices of changes and the look into other namespaces. It
// refuses to judge what an address means.
//
// Arrow: hostaddr -> netns, x/sys
package hostaddr
