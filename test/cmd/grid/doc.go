// SPDX-License-Identifier: Apache-2.0

// Command grid measures mode careful against a cold start in every cell of
// {20, 100, 300 ms x 20, 100 Mbit/s; 60 ms x 50 Mbit/s} x queue {0.25, 1 BDP} x
// {100 kB, 1 MB, 10 MB} x saved window {0.05 to 2 BDP}, and says in which cells it
// loses.
//
// It owns the grid and its table. It refuses to judge one run: medians count.
//
//	grid -> figures, rig -> lab
package main
