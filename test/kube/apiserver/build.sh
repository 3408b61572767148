#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds kube-apiserver and kubectl, and what else is named (kubelet and so on),
# once into a cache directory that is named by their version, and prints that
# directory. The first time takes minutes.
set -eu
cd "$(dirname "$0")"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
dir=${XDG_CACHE_HOME:-$HOME/.cache}/tcpresume/kube-${version#v}
mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9
for name in kube-apiserver kubectl "$@"; do
	[ -x "$dir/$name" ] && continue
	echo "building $name $version once, into $dir" >&2
	stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"
	CGO_ENABLED=0 nice -n 15 go build -trimpath -ldflags "-s -w $stamp" -o "$dir/.$name" "k8s.io/kubernetes/cmd/$name" >&2
	mv "$dir/.$name" "$dir/$name" # an interrupted build leaves nothing that looks finished
done
echo "$dir"
