// SPDX-License-Identifier: Apache-2.0

// Command sbom writes the bill of materials of a built tcpresume as CycloneDX.
//
// It owns its flags. It refuses to find anything out: package supply does.
//
//	cmd/sbom -> supply
package main
