#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds cosign once, into a cache directory named by its version, and prints its path.
set -eu
version=2.6.5
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tcpresume/cosign-$version
if [ ! -x "$cache/cosign" ]; then
	echo "building cosign $version into $cache (once, some minutes)" >&2
	GOBIN=$cache CGO_ENABLED=0 go install "github.com/sigstore/cosign/v2/cmd/cosign@v$version"
fi
echo "$cache/cosign"
