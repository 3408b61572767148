// SPDX-License-Identifier: Apache-2.0

// Package http3app is a Caddy module that serves a site over HTTP/3 and makes
// its QUIC connections report to tcpresume.
//
// It owns the HTTP/3 listener of one server of Caddy's http app, because Caddy
// lets no module near the one that it opens itself. It refuses to know what is
// served: requests go to that server's routes.
//
// Arrow: http3app -> caddy, examples/quic-go/resume
package http3app
