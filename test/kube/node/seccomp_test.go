// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confineVerb makes this binary put a seccomp filter on itself, as a container
// runtime does, and become another program: "confine PROFILE CAPABILITIES COMMAND...".
const confineVerb = "confine"

// runtimeDefault is the profile that container runtimes have built in.
const runtimeDefault = "RuntimeDefault"

func confine(args []string) error {
	profile, capabilities, command := args[0], strings.Split(args[1], ","), args[2:]
	filter := defaultFilter(capabilities)
	if profile != runtimeDefault {
		var err error
		if filter, err = profileFilter(profile); err != nil {
			return err
		}
	}
	runtime.LockOSThread() // the filter is this thread's, and of what it becomes
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return fmt.Errorf("setting the seccomp filter: %w", err)
	}
	return syscall.Exec(command[0], command, os.Environ())
}

// Offsets in struct seccomp_data; the lower half of the first argument is enough
// for what is compared here.
const (
	numberAt = 0
	firstAt  = 16
)

func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

func result(action uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
}

// when runs what follows if the value that was loaded is k.
func when(k uint32, then ...unix.SockFilter) []unix.SockFilter {
	return append([]unix.SockFilter{{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: uint8(len(then))}}, then...)
}

// defaultFilter refuses what the built-in profile of containerd does among what
// tcpresume calls: each system call unless one of its capabilities is held.
func defaultFilter(held []string) (filter []unix.SockFilter) {
	const admin, namespaces = "SYS_ADMIN", 0x7e020000 // CLONE_NEW*
	lacks := func(any ...string) bool {
		return !slices.ContainsFunc(append(any, admin), func(name string) bool { return slices.Contains(held, name) })
	}
	refused := result(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	filter = append(filter, load(numberAt))
	if lacks("BPF") {
		filter = append(filter, when(unix.SYS_BPF, refused)...)
	}
	if lacks("PERFMON") {
		filter = append(filter, when(unix.SYS_PERF_EVENT_OPEN, refused)...)
	}
	if lacks() {
		for _, number := range []uint32{unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2} {
			filter = append(filter, when(number, refused)...)
		}
		filter = append(filter, when(unix.SYS_CLONE3, result(unix.SECCOMP_RET_ERRNO|uint32(unix.ENOSYS)))...)
		filter = append(filter, when(unix.SYS_CLONE, load(firstAt),
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: namespaces, Jf: 1}, refused, load(numberAt))...)
	}
	return append(filter, result(unix.SECCOMP_RET_ALLOW))
}

// profileFilter is a profile file as a container runtime understands it.
func profileFilter(name string) (filter []unix.SockFilter, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var profile struct {
		DefaultAction string
		Syscalls      []struct {
			Names  []string
			Action string
			Args   []struct {
				Index, Value uint32
				Op           string
			}
		}
	}
	if err := json.Unmarshal(text, &profile); err != nil {
		return nil, err
	}
	if profile.DefaultAction != "SCMP_ACT_ERRNO" {
		return nil, errors.New("default action " + profile.DefaultAction)
	}
	numbers, err := systemCalls()
	if err != nil {
		return nil, err
	}
	allowed := result(unix.SECCOMP_RET_ALLOW)
	filter = append(filter, load(numberAt))
	for _, rule := range profile.Syscalls {
		if rule.Action != "SCMP_ACT_ALLOW" || len(rule.Args) > 1 {
			return nil, fmt.Errorf("rule %+v is of another kind", rule)
		}
		for _, name := range rule.Names {
			number, known := numbers[name]
			switch {
			case !known: // of another machine
			case len(rule.Args) == 0:
				filter = append(filter, when(number, allowed)...)
			case rule.Args[0].Index == 0 && rule.Args[0].Op == "SCMP_CMP_EQ":
				then := append([]unix.SockFilter{load(firstAt)}, when(rule.Args[0].Value, allowed)...)
				filter = append(filter, when(number, append(then, load(numberAt))...)...)
			default:
				return nil, fmt.Errorf("argument %+v is of another kind", rule.Args[0])
			}
		}
	}
	return append(filter, result(unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM))), nil
}

var systemCall = regexp.MustCompile(`(?m)^#define __NR_(\w+) (\d+)$`)

// systemCalls are the numbers of this machine, by the kernel's header.
func systemCalls() (map[string]uint32, error) {
	found, _ := filepath.Glob("/usr/include/*/asm/unistd_64.h")
	if len(found) == 0 {
		return nil, errors.New("no asm/unistd_64.h: install linux-libc-dev")
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	numbers := make(map[string]uint32)
	for _, match := range systemCall.FindAllStringSubmatch(string(text), -1) {
		number, err := strconv.ParseUint(match[2], 10, 32)
		if err != nil {
			return nil, err
		}
		numbers[match[1]] = uint32(number)
	}
	return numbers, nil
}
