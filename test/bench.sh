#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures every figure that the documents give, part by part, into a directory:
# NAME.md as a program wrote it and NAME.json with every single value. A part that
# is there is not measured again, so what was interrupted goes on. With a second
# argument, only the parts that it names.
set -euo pipefail
dir=${1:?the directory for the figures}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
cd "$(dirname "$0")"
only=${2:-}

part() { # NAME PROGRAM [FLAG ...]
	local name=$1 program=$2
	shift 2
	[ -z "$only" ] || [[ " $only " == *" $name "* ]] || return 0
	if [ -s "$dir/$name.json" ]; then
		echo "$name: already in $dir; remove it to measure afresh" >&2
		return 0
	fi
	echo "$name: measuring" >&2
	go build -o "$dir/bin/$program" "./cmd/$program"
	"$dir/bin/$program" "$@" -md "$dir/$name.md.new" -json "$dir/$name.json.new"
	mv "$dir/$name.md.new" "$dir/$name.md"
	mv "$dir/$name.json.new" "$dir/$name.json"
}

export CGO_ENABLED=0
part bench bench
part stale stale
part grid grid -j 6 -keep "$dir/grid.keep"
part grid-loss grid -j 6 -n 9 -loss 0.001 -entries 0.5,1,2 -keep "$dir/grid-loss.keep"
part grid-bbr grid -j 3 -n 5 -cc bbr -only "100 ms, 100 Mbit/s" -keep "$dir/grid-bbr.keep"
part browser browser
part live live
part reports reports
part fleet fleet
