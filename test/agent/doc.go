// SPDX-License-Identifier: Apache-2.0

// Package agent tests the agent as a process on the running kernel: the real
// maps, the real sockets, reporters of other users, kills and restarts.
//
// It owns what only the kernel can show: credentials, the map behind the answer,
// what outlives a process. It refuses the rules of reports, which pkg/agent tests
// without a kernel, and connections that resume, but for one from end to end.
//
//	agent -> rig -> pkg/client, pathstore, the tcpresume program
package agent
