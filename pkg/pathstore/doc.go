// SPDX-License-Identifier: Apache-2.0

// Package pathstore opens the pinned maps and turns resume values into map
// entries and back.
//
// It owns the seal that guards entries against races, the clock of their
// lifetime (CLOCK_BOOTTIME), batches, and the check that a map has the layout
// this build was made for. It refuses to know who pinned the maps: any
// directory that holds them by name will do, so that it works the same over
// the embedded runtime's pins, bpfman's, and a mounted CSI volume.
//
// Arrow: pathstore -> bytecode, resume
package pathstore
