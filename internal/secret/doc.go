// SPDX-License-Identifier: Apache-2.0

// Package secret keeps passwords out of what people and logs get to read.
//
// It owns how a URL is shown, and the search for its secrets in words that
// others have put together. It refuses to hold secrets for use.
//
// Arrow: secret -> standard library
package secret
