// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
	"github.com/tcpresume/tcpresume/test/rig"
)

const probeArgument = "probe"

func main() {
	switch {
	case os.Getpid() == 1:
		machine()
	case len(os.Args) == 2 && os.Args[1] == probeArgument:
		rig.Isolate(probe)
	case len(os.Args) == 3 && os.Args[1] == "here":
		if err := work(json.NewEncoder(os.Stdout), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		fmt.Fprintln(os.Stderr, "this belongs into an emulated machine: use test/cmd/kernels")
		os.Exit(2)
	}
}

// probe is a process of its own because the first one began before there was a /proc.
func probe() int {
	var uts unix.Utsname
	_ = unix.Uname(&uts)
	found := record.Record{Kernel: unix.ByteSliceToString(uts.Release[:])}
	tried, err := feature.Try(context.Background())
	if err != nil {
		found.Failure = err.Error()
	}
	found.Runtime, found.Features = &tried, feature.Probe()
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		return 1
	}
	return 0
}

// machine is the whole life of the emulated one.
func machine() {
	defer func() { _ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) }() // -no-reboot ends the emulator
	if err := furnish(); err != nil {
		fmt.Println(err)
		return
	}
	port, err := openPort()
	if err != nil {
		fmt.Println(err)
		return
	}
	say := json.NewEncoder(port)
	if err := work(say, record.PlanFile); err != nil {
		_ = say.Encode(record.Record{Failure: err.Error()})
	}
	const drain = 1 // TCSBRK: until the last byte has left
	_ = unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, drain)
}

func work(say *json.Encoder, planFile string) error {
	text, err := os.ReadFile(planFile)
	if err != nil {
		return err
	}
	var plan record.Plan
	if err := json.Unmarshal(text, &plan); err != nil {
		return err
	}
	cmd := exec.Command("/proc/self/exe", probeArgument)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("probing features: %w", err)
	}
	var found record.Record
	if err := json.Unmarshal(out, &found); err != nil {
		return err
	}
	if err := say.Encode(found); err != nil {
		return err
	}
	for _, suite := range plan.Suites {
		if err := run(say, plan, suite, found.Features); err != nil {
			return err
		}
	}
	return say.Encode(record.Record{Done: true})
}
