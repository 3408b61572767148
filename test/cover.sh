#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Coverage of the product's Go code by all tests together: those beside the code
# and those in namespaces and cgroups of their own, which load it into the kernel.
set -euo pipefail
cd "$(dirname "$0")/.."
counters=$PWD/build/cover
rm -rf "$counters" && mkdir -p "$counters"
packages=github.com/tcpresume/tcpresume/pkg/...
commands=github.com/tcpresume/tcpresume/cmd/...
go test -count=1 -cover -coverpkg="$packages,$commands" ./... -args -test.gocoverdir="$counters"
cd test
for package in ./phase ./gate ./runtime ./careful; do
	go test -count=1 -timeout 30m -cover -coverpkg="$packages" "$package" -args -test.gocoverdir="$counters"
done
cd ..
go tool covdata textfmt -i="$counters" -o build/cover.profile
go tool cover -func=build/cover.profile >build/cover.txt
go tool covdata percent -i="$counters"
tail -1 build/cover.txt
