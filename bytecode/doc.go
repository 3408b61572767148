// SPDX-License-Identifier: Apache-2.0

// Package bytecode holds the compiled BPF objects and the Go types generated
// from bpf/layout.h, both committed, so that building needs no C compiler.
//
// It owns names and layouts. It refuses behaviour: nothing here loads, attaches
// or interprets, and no C type is mirrored by hand.
//
// Arrow: bytecode -> cilium/ebpf
package bytecode

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem kernel -type resume_event -type resume_mode -type resume_sharing -type resume_source -type resume_scope -type resume_dropin -type resume_live -type resume_cc -type resume_phase -type resume_trigger -type resume_limit -type resume_event_kind Kernel ../bpf/resume.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem cubic -no-global-types Cubic ../bpf/cc_cubic.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem reno -no-global-types Reno ../bpf/cc_reno.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem bbr -no-global-types Bbr ../bpf/cc_bbr.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem older -no-global-types Older ../bpf/older.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem handback -no-global-types Handback ../bpf/handback.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem live -type resume_verdict Live ../bpf/live.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem ask -type resume_answer Ask ../bpf/ask.bpf.c
//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -cflags "$BPF_CFLAGS" -target bpfel,bpfeb -output-stem check -type phase_input Check ../bpf/check.bpf.c
