// SPDX-License-Identifier: Apache-2.0

// Command quic-go is a small web server over HTTP/1.1, HTTP/2 and HTTP/3 whose
// QUIC connections report what their paths carry, so that a client that falls
// back to TCP finds a warm connection.
//
// It owns a page, responses of any size and how the three protocols share a
// port. It refuses to know the reports: package resume makes them in one line.
//
// Arrow: quic-go -> resume -> pkg/client
package main
