#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the released bpfman once, into a cache directory named by its version,
# and prints that directory. A second run only prints. With the word "built" it
# builds nothing, and prints nothing if it is not there.
set -eu
version=0.6.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/tcpresume/bpfman-$version
if [ "${1:-}" = built ]; then
	[ -x "$cache/bin/bpfman" ] && echo "$cache"
	exit 0
fi
# It gives up where it may not raise RLIMIT_MEMLOCK, which kernels since 5.11 do
# not charge BPF to: containers without CAP_SYS_RESOURCE preload this.
if [ ! -e "$cache/lib/rlimit.so" ]; then
	mkdir -p "$cache/lib"
	printf 'int setrlimit(int r, const void *l) { return 0; }\nint setrlimit64(int r, const void *l) { return 0; }\n' |
		gcc -shared -fPIC -x c -o "$cache/lib/rlimit.so" -
fi
[ -x "$cache/bin/bpfman" ] && { echo "$cache"; exit 0; }
PATH=$PATH:$HOME/.cargo/bin
if ! command -v cargo >/dev/null; then
	echo "bpfman $version is not built, and cargo is missing to build it: install Rust (https://rustup.rs)" >&2
	exit 0
fi
echo "building bpfman $version into $cache (once, about 5 minutes)" >&2
# Its build calls plain "clang" and compiles for BPF without the multi-arch
# include directory of Debian.
PATH=/usr/lib/llvm-19/bin:$PATH C_INCLUDE_PATH=/usr/include/$(gcc -print-multiarch) \
	nice cargo install bpfman --version "$version" --locked --root "$cache" --quiet >&2
echo "$cache"
