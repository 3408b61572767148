// SPDX-License-Identifier: Apache-2.0

// Package record is what the host and the emulated machine tell each other: a
// plan goes in with the initramfs, one line of JSON per happening comes out.
//
// It owns these formats. It refuses to run or judge anything.
//
//	kernels, guest -> record -> feature
package record
