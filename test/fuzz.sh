#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzzer of both modules, one after the other, each for the time given
# (as Go writes it: 30s, 10m), and says what each did. What it finds stays in
# the package's testdata/fuzz, to be committed with the repair.
set -euo pipefail
cd "$(dirname "$0")/.."
each=${1:?the time for each fuzzer, as in 10m}
failed=0
while IFS=: read -r file name; do
	dir=$(dirname "$file")
	module=.
	case $dir in test/*) module=test dir=${dir#test/} ;; esac
	printf '%-55s ' "$module/$dir $name"
	if out=$(cd "$module" && go test -run '^$' -fuzz "^$name\$" -fuzztime "$each" -fuzzminimizetime 2s "./$dir" 2>&1); then
		grep 'execs:' <<<"$out" | tail -1 | sed 's/.*execs: //'
	else
		printf 'FAILED\n%s\n' "$out"
		failed=1
	fi
done < <(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -Eo '^func Fuzz[A-Za-z]+' | sed 's/:func /:/')
exit $failed
