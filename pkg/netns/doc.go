// SPDX-License-Identifier: Apache-2.0

// Package netns finds the network namespaces of the host and runs functions in
// them.
//
// It owns threads that change their namespace. It refuses to make or to name
// one, and to know what is done there.
//
// Arrow: netns -> mountinfo, x/sys
package netns
