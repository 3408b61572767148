// SPDX-License-Identifier: Apache-2.0

// Package signature owns the proof that our images can be signed and verified
// with cosign, by their digests. It runs in "make test-signature", which builds
// cosign first.
//
// It refuses keyless signatures, which need an identity at a public service.
//
//	signature -> cosign, bin/tcpresume
package signature
