// SPDX-License-Identifier: Apache-2.0

// Package jsonline reads one flat JSON object token by token: a stored path of
// "tcpresume load", a report of a QUIC server.
//
// It owns the tokens and the texts of their errors, and reads by hand because
// encoding/json takes several times as long, and lets repeated fields and null
// pass. It refuses to know what a field means.
//
// Arrow: jsonline -> textfile
package jsonline
