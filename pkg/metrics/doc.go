// SPDX-License-Identifier: Apache-2.0

// Package metrics shows Prometheus what tcpresume does: the kernel's counters,
// what became of reports, and the sizes of windows that were saved and used.
//
// It owns names, labels and buckets. It refuses to count what is counted
// elsewhere: counters are read from their Source at each scrape, so that none is
// lost with this process; only the histograms are its own.
//
// Arrow: metrics -> resume, prometheus/client_golang
package metrics
