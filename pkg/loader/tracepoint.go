// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// attachTracepoint makes a link that can be pinned (Linux 5.15), without asking
// for a mounted tracefs as the usual way does.
func attachTracepoint(prog *ebpf.Program, event string) (link.Link, error) {
	id, err := tracepointID(event)
	if err != nil {
		return nil, fmt.Errorf("tracepoint %s: %w", event, err)
	}
	attr := unix.PerfEventAttr{
		Type:        unix.PERF_TYPE_TRACEPOINT,
		Config:      id,
		Sample_type: unix.PERF_SAMPLE_RAW,
		Sample:      1,
		Wakeup:      1,
	}
	attr.Size = unix.PERF_ATTR_SIZE_VER5
	// The CPU bounds the event's own samples; the program runs on every one.
	perf, err := unix.PerfEventOpen(&attr, -1, 0, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("opening tracepoint %s: %w", event, err)
	}
	defer unix.Close(perf) // the link holds it
	l, err := link.AttachRawLink(link.RawLinkOptions{Target: perf, Program: prog, Attach: ebpf.AttachPerfEvent})
	if err != nil {
		return nil, fmt.Errorf("attaching to tracepoint %s: %w", event, err)
	}
	return l, nil
}

// tracepointID reads the kernel's number of an event from a tracefs that is
// mounted nowhere and gone when this returns.
func tracepointID(event string) (uint64, error) {
	context, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("opening tracefs: %w", err)
	}
	defer unix.Close(context)
	if err := unix.FsconfigCreate(context); err != nil {
		return 0, fmt.Errorf("opening tracefs: %w", err)
	}
	root, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("opening tracefs: %w", err)
	}
	defer unix.Close(root)
	fd, err := unix.Openat(root, "events/"+event+"/id", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	file := os.NewFile(uintptr(fd), event)
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}
