# SPDX-License-Identifier: Apache-2.0
# Everything that shapes the bytes of a release, pinned: the Go version, the C
# compiler that makes the BPF objects and the headers that it reads.
#
#   podman build -f images/Containerfile.builder -t tcpresume-builder images
#   podman run --rm -v .:/src tcpresume-builder generate build images
#
# A version that Debian has replaced makes this build fail, and is then moved on
# here, together with the objects that "make generate" makes with it.
FROM docker.io/library/golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d
RUN apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        clang-19=1:19.1.7-3~deb12u1 \
        llvm-19=1:19.1.7-3~deb12u1 \
        clang-format-19=1:19.1.7-3~deb12u1 \
        libbpf-dev=1:1.1.2-0+deb12u1 \
        bpftool iproute2 gcc libc6-dev git make && \
    rm -rf /var/lib/apt/lists/* && \
    git config --system --add safe.directory /src
ENV GOTOOLCHAIN=local
WORKDIR /src
ENTRYPOINT ["make"]
CMD ["help"]
