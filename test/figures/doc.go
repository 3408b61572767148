// SPDX-License-Identifier: Apache-2.0

// Package figures owns what the programs that measure say: tables for people,
// and every single value in one JSON format, so that parts can be put together
// and two runs compared.
//
// It refuses to judge, to round a value that is kept, and to keep medians only.
//
//	bench, grid, stale, live, reports, browser, fleet, report -> figures
package figures
