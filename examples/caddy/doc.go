// SPDX-License-Identifier: Apache-2.0

// Command caddy is a Caddy with HTTP/3 that reports to tcpresume.
//
// It owns the list of modules. It refuses everything else: package http3app is
// the module, and caddy.json shows its configuration.
//
// Arrow: caddy -> http3app, Caddy
package main
