#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs those of the named Debian packages that are missing. "node=nodejs" is
# the package for a program that may have come another way.
set -eu
missing=
for wanted in "$@"; do
	program=${wanted%%=*}
	package=${wanted#*=}
	[ "$program" != "$wanted" ] && command -v "$program" >/dev/null && continue
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing:$missing; install them (on Debian, as root: apt-get install$missing)" >&2
	exit 1
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then # tests start what they need themselves; nothing is to run from boot on
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod +x $policy
	trap 'rm -f $policy' EXIT
fi
# shellcheck disable=SC2086 # a list of words
apt-get -qq install -y --no-install-recommends $missing >/dev/null
