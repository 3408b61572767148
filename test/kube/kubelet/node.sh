#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Kubernetes node: namespaces, what a kubelet expects of a machine, containerd
# and kubelet, which are started again whenever they end.
#   node.sh DIR KUBELET-BINARY NAME ADDRESS [MEMORY-CGROUP]
# It is the first process of a process namespace, in the node's cgroup of v2. DIR
# holds what outlives a boot: disk/lib, disk/log, and the configuration.
set -eu
dir=$1 kubelet=$2 name=$3 address=$4
if [ $# = 5 ]; then
	echo 0 >"$5/cgroup.procs"
	exec unshare --cgroup --ipc --uts "$0" "$dir" "$kubelet" "$name" "$address"
fi
hostname "$name"
umount -l -R /sys
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup # alone, as on today's systems
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind "$dir/disk/lib" /var/lib
mount --bind "$dir/disk/log" /var/log
# kubelet wants these values, and is shown them: the machine's own stay as they are.
set -- vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
	kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000
mkdir /run/sysctl
for setting in "$@"; do
	file=/run/sysctl/$(basename "${setting%=*}")
	echo "${setting#*=}" >"$file"
	mount --bind "$file" "/proc/sys/${setting%=*}"
done
mount --make-rshared /
ip link delete cni0 2>/dev/null || :

keep() { # NAME COMMAND...
	log=$dir/$1.log
	shift
	while :; do
		"$@" >>"$log" 2>&1 || echo "ended with $?" >>"$log"
		sleep 1
	done
}
keep containerd containerd --config "$dir/containerd.toml" &
keep kubelet "$kubelet" --config "$dir/kubelet.yaml" --kubeconfig "$dir/kubeconfig" \
	--hostname-override "$name" --node-ip "$address" &
wait
