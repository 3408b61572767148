#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Brings a new bytecode image to every node, with the stored paths:
#
#   manifests/upgrade.sh DIR
#
# DIR is the kustomization that is applied, with the new image. Applying it alone
# changes nothing in the kernel: bpfman-operator does not compare images. So the
# application is deleted and applied again, while the agents keep what runs; each
# then moves to what was loaded, and copies the paths over.
set -eu
dir=${1:?usage: $0 DIR, the kustomization with the new image}
all=$(kubectl kustomize "$dir")
kind=$(printf '%s\n' "$all" | sed -n 's/^kind: \(\(Cluster\)\{0,1\}BpfApplication\)$/\1/p')
[ -n "$kind" ] || { echo "$0: $dir has no application of bpfman" >&2; exit 1; }

apply() { kubectl apply --server-side --force-conflicts -f -; }
ready() { kubectl -n tcpresume rollout status ds/tcpresume --timeout=10m; }
loaded() { kubectl -n tcpresume wait --for=condition=Success "$kind/tcpresume" --timeout=10m; }

kubectl -n tcpresume patch ds tcpresume --type=json \
	-p '[{"op":"replace","path":"/spec/template/spec/containers/0/args/2","value":"--on-unload=keep"}]'
ready
kubectl -n tcpresume delete "$kind" tcpresume --wait
printf '%s\n' "$all" | sed 's/--on-unload=down/--on-unload=keep/' | apply
loaded
ready
printf '%s\n' "$all" | apply # what was asked for when the application is deleted
ready
