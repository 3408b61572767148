# Every target explains itself in `make help`. Building needs Go only: the BPF
# objects are committed. What else a target needs, `make deps` installs on Debian.
SHELL := /bin/bash
MULTIARCH := $(shell gcc -print-multiarch 2>/dev/null)
export BPF_CFLAGS := -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/$(MULTIARCH)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)"
PACKAGES := clang-19 llvm-19 clang-format-19 libbpf-dev bpftool iproute2 gcc libc6-dev
EMULATOR := qemu-system-x86 busybox-static xz-utils
FUZZ ?= 1m
VULN_DB ?= https://vuln.go.dev

.PHONY: help build demo test test-kernels test-kernels-quick fuzz bench careful cover vuln sbom generate lint deps docs fmt clean
.DEFAULT_GOAL := help

help: ## show what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

build: ## build bin/tcpresume
	$(GO_BUILD) -o bin/tcpresume ./cmd/tcpresume

demo: build ## cold, initcwnd, exact and careful side by side on an emulated long path (root)
	cd test && go run ./cmd/demo -out ../build

test: build deps ## run every test on this kernel, in namespaces and cgroups of their own (root)
	go test -race ./...
	cd test && go test -race -p 1 ./lab/... ./phase ./law ./supply
	cd test && go test -count=1 -p 1 -timeout 30m ./gate ./runtime ./careful # the race detector would slow the emulated path

test-kernels: deps ## the kernel tests on Debian's 6.1 and 6.12, emulated, and on this kernel; writes docs/kernels.md (root)
	@test/deps.sh $(EMULATOR)
	cd test && go run ./cmd/kernels -host -md ../docs/kernels.md

test-kernels-quick: deps ## each part once on 6.1 and 6.12, in a few minutes (no root once the packages are there)
	@test/deps.sh $(EMULATOR)
	cd test && go run ./cmd/kernels -quick

fuzz: deps ## every fuzzer for FUZZ=1m each, one after the other (root)
	test/fuzz.sh $(FUZZ)

bench: build ## measure every figure of the README again, beside its rivals (root, minutes)
	cd test && go run ./cmd/bench -md ../build/bench.md -json ../build/bench.json

careful: ## the whole grid of mode careful against cold, and what wrong entries cost (root, 30 minutes)
	mkdir -p build && cd test && go run ./cmd/grid -md ../build/grid.md -json ../build/grid.json
	cd test && go run ./cmd/grid -loss 0.001 -md ../build/grid-loss.md -json ../build/grid-loss.json
	cd test && go run ./cmd/stale | tee ../build/stale.md

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
	clang-format-19 -i bpf/*.c bpf/*.h

lint: deps ## formatting, vet, staticcheck, import directions, file sizes
	@test -z "$$(gofmt -l $$(git ls-files '*.go') | tee /dev/stderr)"
	clang-format-19 --dry-run -Werror bpf/*.c bpf/*.h
	go vet ./... && cd test && go vet ./...
	go build -C test -o ../build/staticcheck honnef.co/go/tools/cmd/staticcheck
	build/staticcheck ./... && cd test && ../build/staticcheck ./...
	cd test && go test -count=1 ./law

deps: ## install the Debian packages that tests and code generation use
	@test/deps.sh $(PACKAGES)

clean: ## remove what was built
	rm -rf bin build
