// SPDX-License-Identifier: Apache-2.0

// Command guest is the first process of the emulated machine: it makes a
// system to test in, runs the plan, says what happens and powers off. The host
// may run it on itself, for its own column of the table.
//
// It owns the machine it runs in. It refuses to judge what tests say.
//
//	kernels -> guest -> record, feature, rig -> kernel
package main
