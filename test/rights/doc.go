// SPDX-License-Identifier: Apache-2.0

// Package rights tests which capabilities each verb needs: it works with
// exactly those that docs/security.md names, and without any one of them it
// fails, changes nothing and says what is missing.
//
// It owns the table of capabilities. It refuses the rights of reporters (package
// agent) and of containers (package kube/node).
//
//	rights -> rig -> the tcpresume program, setpriv
package rights
