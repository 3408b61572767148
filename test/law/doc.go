// SPDX-License-Identifier: Apache-2.0

// Package law checks what holds for the whole repository: who may import
// whom, how long a file may be, what each package says of itself.
//
// It owns rules about the source. It refuses to run any of it.
//
//	law -> the source tree
package law
