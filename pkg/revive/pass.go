// SPDX-License-Identifier: Apache-2.0

package revive

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/netns"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Result is what one pass found.
type Result struct {
	Namespaces int            `json:"namespaces"` // that were walked through
	Sockets    uint64         `json:"sockets"`    // TCP sockets in them, of every state
	Verdicts   map[string]int `json:"verdicts"`   // of the idle ones whose peer has a path: resumed, or why not
	Took       time.Duration  `json:"took_ns"`
	CPU        time.Duration  `json:"cpu_ns"` // of it, processor time in the walks
}

// Resumed is how many connections got a path.
func (r Result) Resumed() int { return r.Verdicts["resumed"] }

// Pass walks once through the TCP sockets of every network namespace that a
// process lives in or that is mounted. The pin is loader.LiveLink's. It takes no
// capability but the right to read that file; without CAP_SYS_ADMIN only the
// caller's own namespace is walked through.
func Pass(ctx context.Context, pin string) (Result, error) {
	places, err := netns.Find()
	if err != nil {
		return Result{}, err
	}
	return pass(ctx, pin, places)
}

func pass(ctx context.Context, pin string, places []netns.Place) (Result, error) {
	begun := time.Now()
	r := Result{Verdicts: make(map[string]int)}
	var errs []error
	for _, place := range places {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		ns, err := place.Open()
		if err != nil {
			continue // gone, or another user's
		}
		err = netns.In(ns, func() error { return r.walk(pin) })
		ns.Close()
		if !errors.Is(err, unix.EPERM) { // of entering it
			errs = append(errs, err)
		}
	}
	if r.Namespaces == 0 && errors.Join(errs...) == nil {
		errs = append(errs, r.walk(pin))
	}
	r.Took = time.Since(begun)
	return r, errors.Join(errs...)
}

// Here walks through the network namespace of the calling thread only.
func Here(pin string) (Result, error) {
	begun := time.Now()
	r := Result{Verdicts: make(map[string]int)}
	err := r.walk(pin)
	r.Took = time.Since(begun)
	return r, err
}

// walk is a pass over the namespace of this thread, which opening the pin makes.
func (r *Result) walk(pin string) error {
	runtime.LockOSThread() // which opens the pin, and whose time counts
	defer runtime.UnlockOSThread()
	begun := threadTime()
	defer func() { r.CPU += threadTime() - begun }()
	file, err := os.Open(pin)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w, or this kernel has no iterator over its sockets: %s is missing; run \"tcpresume up\"", pathstore.ErrNotLoaded, pin)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("a pass over live connections: %s: %w; run as root, or give this user the right to read it", pin, fs.ErrPermission)
	case err != nil:
		return fmt.Errorf("a pass over live connections: %w", err)
	}
	defer file.Close()
	told, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("a pass over live connections: %w", err)
	}
	const total = 8
	if len(told) < total {
		return fmt.Errorf("a pass over live connections told %d bytes: load the matching version of tcpresume", len(told))
	}
	end := len(told) - total
	r.Namespaces++
	r.Sockets += binary.NativeEndian.Uint64(told[end:])
	for _, verdict := range told[:end] {
		r.Verdicts[pathstore.VerdictWord(verdict)]++
	}
	return nil
}

func threadTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
