// SPDX-License-Identifier: Apache-2.0

// Package supply tells what a built program is made of, and tests that anybody
// who builds it gets the same bytes.
//
// It owns the bill of materials and the comparison of builds. It refuses to
// judge dependencies: govulncheck does (make vuln).
//
//	cmd/sbom -> supply -> a built tcpresume, bytecode/, make, go
package supply
