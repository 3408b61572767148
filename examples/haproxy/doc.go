// SPDX-License-Identifier: Apache-2.0

// Command haproxy polls the stats socket of an HAProxy and reports its QUIC
// connections to the tcpresume agent; HAProxy itself stays as it is.
//
// It owns the reading of "show quic" and when a connection has something new to
// tell. It refuses to change anything in HAProxy.
//
// Arrow: haproxy -> pkg/client, pkg/resume
package main
