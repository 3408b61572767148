# Every target explains itself in `make help`. Building needs Go only: the BPF
# objects are committed. What else a target needs, `make deps` installs on Debian.
SHELL := /bin/bash
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
export BPF_CFLAGS := -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/$(MULTIARCH)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# What ships and what tests it is compiled in one way, so each package only once.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(filter-out -trimpath,$(GOFLAGS)) -trimpath)
GO_BUILD := go build -ldflags "-s -w -X main.version=$(VERSION)"
PACKAGES := clang-19 llvm-19 clang-format-19 libbpf-dev bpftool iproute2 gcc libc6-dev
LONG_PACKAGES := pkg-config libssl-dev protobuf-compiler etcd-server
NODE_PACKAGES := etcd-server containerd runc containernetworking-plugins busybox-static
EMULATOR := qemu-system-x86 busybox-static xz-utils
FUZZ ?= 1m
BENCH ?= build/bench
WHOLE ?= 6.12,newest,host
override CRDS := $(abspath $(CRDS))
export CRDS
VULN_DB ?= https://vuln.go.dev
EXAMPLES := quic-go caddy haproxy
EXAMPLE_PACKAGES := gcc g++ libc6-dev iproute2 bpftool nftables util-linux chromium node=nodejs npm=npm

ARCHITECTURES := amd64 arm64 ppc64le riscv64 s390x

.PHONY: help build agent images demo browser test test-all test-examples test-kernels test-kernels-quick test-faults test-node test-signature fuzz kube-apiserver bench bench-agent bench-compare careful cover vuln sbom generate lint deps docs fmt clean
.DEFAULT_GOAL := help

help: ## show what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

build: ## build bin/tcpresume
	$(GO_BUILD) -o bin/tcpresume ./cmd/tcpresume

agent: ## build tcpresume for each architecture into build/agent
	rm -rf build/agent
	for a in $(ARCHITECTURES); do GOARCH=$$a $(GO_BUILD) -o build/agent/$$a/usr/bin/tcpresume ./cmd/tcpresume || exit 1; done

images: build agent ## make the images of the agent and of the BPF objects in build/images, without a container engine
	go run ./images -version '$(VERSION)' -roots build/agent -out build/images/agent
	bin/tcpresume image build --replace build/images/bytecode

demo: build ## cold, initcwnd, exact and careful side by side on an emulated long path (root)
	cd test && go run ./cmd/demo -out ../build

browser: ## a real browser falls back from HTTP/3, with and without tcpresume in the same run (root)
	@test/deps.sh $(EXAMPLE_PACKAGES)
	cd test && go run ./cmd/browser

test: build deps ## the tests on this kernel, in namespaces and cgroups of their own; says at the end what it left out (root)
	cd test && go run ./cmd/suite

test-all: build deps ## these and what takes long to build: a Kubernetes API server, bpfman in Rust, Chromium; CRDS=dir where the network does not reach bpfman-operator's (root)
	@test/deps.sh $(LONG_PACKAGES) $(EXAMPLE_PACKAGES)
	-@test/bpfman.sh >/dev/null # without Rust its tests say so
	cd test && go run ./cmd/suite -all

test-examples: ## run the servers of examples/ against the agent, and a browser that falls back (root)
	@test/deps.sh $(EXAMPLE_PACKAGES)
	cd test && go run ./cmd/suite -only examples/

test-faults: build deps ## kill, fill, unmount, delete and replace under load, a thousand times; writes docs/faults.md (root, minutes)
	cd test && go test -count=1 -timeout 60m ./faults -args -kills 1000 -crowd 50000 -md ../../docs/faults.md

test-node: images deps ## the manifests on a real Kubernetes node: kubelet, containerd, runc; it boots, restarts, upgrades and removes (root, minutes; more when it builds Kubernetes, once)
	@test/deps.sh $(NODE_PACKAGES)
	cd test && go test -count=1 -timeout 90m -v ./kube/kubelet

kube-apiserver: ## build the Kubernetes API server that tests use, once (minutes)
	@test/kube/apiserver/build.sh

test-kernels: deps ## the kernel tests on Debian's 6.1 to newest, emulated, and on this kernel: whole suites on WHOLE, on others the subset; writes docs/kernels.md (root, hours)
	@test/deps.sh $(EMULATOR)
	cd test && go run ./cmd/kernels -host -whole $(WHOLE) -md ../docs/kernels.md

test-kernels-quick: deps ## each part once on the oldest and the newest kernel, in a few minutes (no root once the packages are there)
	@test/deps.sh $(EMULATOR)
	cd test && go run ./cmd/kernels -quick

fuzz: deps ## every fuzzer for FUZZ=1m each, one after the other (root)
	test/fuzz.sh $(FUZZ)

bench: build ## measure every figure again, beside its rivals, into docs/bench.md; what $(BENCH) holds is not measured again (root, an hour)
	@test/deps.sh chromium
	test/bench.sh $(BENCH)
	cd test && go run ./cmd/report -md ../docs/bench.md -img ../docs/img -values ../$(BENCH)/values.txt ../$(BENCH)

bench-agent: build ## how many reports the agent takes, and how soon (root, a minute)
	test/bench.sh $(BENCH) reports

careful: build ## mode careful against cold in the whole grid, and what wrong entries cost (root, 50 minutes)
	test/bench.sh $(BENCH) "stale grid grid-loss"

bench-compare: ## compare two runs of "make bench" as benchstat does: OLD=dir NEW=dir
	cd test && go run ./cmd/report -values ../$(OLD)/values.txt ../$(OLD) && go run ./cmd/report -values ../$(NEW)/values.txt ../$(NEW)
	cd test && go tool benchstat ../$(OLD)/values.txt ../$(NEW)/values.txt

test-signature: build ## sign an image and verify it with cosign, which is built once (minutes)
	cosign=$$(test/cosign.sh) && cd test && TCPRESUME_COSIGN=$$cosign go test -count=1 ./signature

cover: deps ## how much of the Go code the tests of both modules execute, into build/cover.txt (root)
	test/cover.sh

vuln: ## known vulnerabilities in what is linked; VULN_DB=file:///dir where the network does not reach vuln.go.dev
	go build -C test -o ../build/govulncheck golang.org/x/vuln/cmd/govulncheck
	build/govulncheck -db $(VULN_DB) ./...
	cd test && ../build/govulncheck -db $(VULN_DB) ./...

sbom: build ## the bill of materials of bin/tcpresume as CycloneDX, into build/sbom.json
	mkdir -p build && cd test && go run ./cmd/sbom -version '$(VERSION)' -out ../build/sbom.json

generate: deps ## compile the BPF objects, generate Go types and the CLI reference
	go generate ./...

docs: ## generate the man pages into build/man
	go run ./cmd/tcpresume docs man build/man

fmt: ## format Go and C
	gofmt -w $$(git ls-files '*.go')
	clang-format-19 -i bpf/*.c bpf/*.h examples/c/*.c examples/c/*.h

lint: deps ## formatting, vet, staticcheck, import directions, file sizes
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)"
	clang-format-19 --dry-run -Werror bpf/*.c bpf/*.h examples/c/*.c examples/c/*.h
	go vet ./... && cd test && go vet ./...
	go build -C test -o ../build/staticcheck honnef.co/go/tools/cmd/staticcheck
	build/staticcheck ./... && cd test && ../build/staticcheck ./...
	for e in $(EXAMPLES); do (cd examples/$$e && go vet ./... && ../../build/staticcheck ./...) || exit; done
	cd test && go test -count=1 ./law
	for m in $$(git ls-files '*go.mod'); do go -C $$(dirname $$m) mod verify >/dev/null || exit; done

deps: ## install the Debian packages that tests and code generation use
	@test/deps.sh $(PACKAGES)

clean: ## remove what was built
	rm -rf bin build
