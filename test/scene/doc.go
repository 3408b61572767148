// SPDX-License-Identifier: Apache-2.0

// Package scene is what tests of single connections share: a path, a client and
// a server on it, the loaded runtime without any state of earlier tests, and the
// story that the kernel tells of each connection.
//
// It owns how a connection is opened, fed and watched. It refuses to judge: what
// a story must be is the test's.
//
//	scene -> check, lab, rig -> pkg/pathstore, pkg/resume
package scene
