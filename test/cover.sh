#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Coverage of the product's Go code by all tests together: those beside the code,
# those in namespaces and cgroups of their own, and the programs that they start.
set -euo pipefail
cd "$(dirname "$0")/.."
counters=$PWD/build/cover
rm -rf "$counters" && mkdir -p "$counters"
export TCPRESUME_COVER=$counters # for the programs that tests start
export GOFLAGS="-cover -coverpkg=github.com/tcpresume/tcpresume/pkg/...,github.com/tcpresume/tcpresume/cmd/..."
go test -count=1 ./... -args -test.gocoverdir="$counters"
cd test
others='Unprivileged|OtherUsers|NoCapability|Reload' # their programs may not write the counters
for package in phase gate runtime careful live agent observe balance fleet bpfman; do
	go test -count=1 -timeout 30m -skip "$others" "./$package" -args -test.gocoverdir="$counters"
done
cd ..
go tool covdata textfmt -i="$counters" -o build/cover.profile
go tool cover -func=build/cover.profile >build/cover.txt
go tool covdata percent -i="$counters"
tail -1 build/cover.txt
