// SPDX-License-Identifier: Apache-2.0

// Package loader puts the programs into the kernel and keeps them there:
// attach, register, pin, replace while connections live, and take away again.
//
// It owns the pin directory and everything below it. It refuses to leave half
// of anything behind: what fails is undone, and what runs without this process
// keeps running. It does not know what a path is.
//
// Arrow: loader -> bytecode, pathstore
package loader
