// SPDX-License-Identifier: Apache-2.0

// Package ask lets an application ask for one of its TCP connections, because
// it learnt who its client is after the connection was made: by a cookie or a
// login, behind TLS. It works without any privilege, on a connection that has
// sent data already, in cgroups that the operator allowed
// ("tcpresume ask allow").
//
// It owns the socket option and the meaning of its errors. It refuses to know
// what is stored: a path is named by the connection's address or by a token, or
// comes with the ask.
//
// Arrow: ask -> standard library, x/sys
package ask
