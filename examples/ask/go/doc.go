// SPDX-License-Identifier: Apache-2.0

// Command go is a server that learns who its client is with the second
// request, as behind TLS and a cookie, and asks for the connection then.
//
//	go run ./examples/ask/go PORT [CWND_BYTES RTT]
//
// It owns one connection: one byte asks for 4 kB, the next for 1 MB. It refuses
// to ask without the last two arguments.
//
// Arrow: examples/ask/go -> pkg/ask
package main
