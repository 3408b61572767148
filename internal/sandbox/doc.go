// SPDX-License-Identifier: Apache-2.0

// Package sandbox recognises what a service manager has forbidden to this
// process, and says so in place of the kernel's words.
//
// It owns those words. It refuses to know who asked for what.
//
// Arrow: sandbox -> standard library
package sandbox
