// SPDX-License-Identifier: Apache-2.0

// Package textfile reads files that people edit.
//
// It owns what editors put before a text. It refuses to know what the text says.
//
// Arrow: textfile -> the standard library
package textfile
