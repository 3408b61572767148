// SPDX-License-Identifier: Apache-2.0

// Command images packs the agent's programs, built for each architecture, into
// an OCI layout, with the licences of everything that is compiled into them.
//
// It owns what "make images" does after compiling, and this room the recipes
// that do it with a container engine. It refuses to be part of the product.
//
// Arrow: images -> pkg/image
package main
