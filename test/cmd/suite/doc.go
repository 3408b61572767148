// SPDX-License-Identifier: Apache-2.0

// Command suite runs the tests of every module in the order in which they disturb
// each other least, and ends with a line on what it did not run and which command
// does.
//
// It owns which packages belong together and the words about them. It refuses to
// build or install what tests need: the Makefile does.
//
//	make test, make test-all -> suite -> go test, test/kube/cluster (where the CRDs are)
package main
