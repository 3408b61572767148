// SPDX-License-Identifier: Apache-2.0

// Package observe tests what people see of a path from end to end: a server
// reports it, a TCP connection resumes from it, and every watcher, the status
// and the metrics tell the same.
//
// It owns the views. It refuses to judge what the kernel decides (packages gate
// and careful) and what a report is worth (pkg/agent).
//
//	observe -> rig, lab -> the tcpresume program
package observe
