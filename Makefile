# Every target explains itself in `make help`.
export BPF_CFLAGS := -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/$(shell gcc -print-multiarch)

generate: ## compile the BPF objects and generate the Go types
	go generate ./...
