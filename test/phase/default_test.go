// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// The policy where no prefix matches is built into the program and into user space.
func TestDefaultPolicyIsTheKernels(t *testing.T) {
	loaded := load(t)
	if _, err := loaded.PolicyCheck.Run(nil); err != nil {
		t.Fatal(err)
	}
	var kernel, user bytecode.KernelResumePolicy
	if err := loaded.CheckPolicies.Lookup(uint32(0), unsafe.Slice((*byte)(unsafe.Pointer(&kernel)), unsafe.Sizeof(kernel))); err != nil {
		t.Fatal(err)
	}
	spec, err := bytecode.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	maps := make(map[string]*ebpf.Map)
	for _, name := range pathstore.Maps {
		one := spec.Maps[name].Copy()
		if one.Type != ebpf.RingBuf {
			one.MaxEntries = 1
		}
		if maps[name], err = ebpf.NewMap(one); err != nil {
			t.Fatal(err)
		}
		defer maps[name].Close()
	}
	store, err := pathstore.FromMaps(maps)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.SetPolicy(pathstore.Rule{Policy: resume.DefaultPolicy()}); err != nil {
		t.Fatal(err)
	}
	if err := maps[bytecode.KernelMapResumePolicy].Lookup(bytecode.KernelResumePolicyKey{}, &user); err != nil {
		t.Fatal(err)
	}
	if kernel != user {
		t.Errorf("the kernel's default is %+v, user space's %+v", kernel, user)
	}
}

// Two programs that count on one processor cut into each other in the middle of an addition.
func TestNoCountIsLost(t *testing.T) {
	const runs, each = 100, 1 << 20
	loaded := load(t)
	before := established(t, loaded)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			var cpus unix.CPUSet
			cpus.Set(0)
			if err := unix.SchedSetaffinity(0, &cpus); err != nil {
				t.Error(err)
				return
			}
			for range runs {
				if _, err := loaded.CountCheck.Run(nil); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	both.Wait()
	if counted := established(t, loaded) - before; counted != 2*runs*each {
		t.Errorf("%d of %d were counted", counted, 2*runs*each)
	}
}

func established(t *testing.T, loaded *bytecode.CheckObjects) (sum uint64) {
	t.Helper()
	var perCPU []bytecode.CheckResumeStats
	if err := loaded.ResumeStats.Lookup(uint32(0), &perCPU); err != nil {
		t.Fatal(err)
	}
	for _, each := range perCPU {
		sum += each.Established
	}
	return sum
}
