// SPDX-License-Identifier: Apache-2.0

package feature

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/test/rig"
)

func structOps() (string, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return "", err
	}
	var ops *btf.Struct
	return "", kernel.TypeByName("bpf_struct_ops_tcp_congestion_ops", &ops)
}

// kfuncs loads the wrapper's programs; the map cannot take effect without a link.
func kfuncs() (string, error) {
	spec, err := rig.RenoAnywhere()
	if err != nil {
		return "", err
	}
	for name := range spec.Maps {
		if spec.Maps[name].Type == ebpf.StructOpsMap {
			delete(spec.Maps, name)
		}
	}
	return "", loads(spec)
}

// structOpsLinks makes the map that only a link can register.
func structOpsLinks() (string, error) {
	spec, err := rig.RenoAnywhere()
	if err != nil {
		return "", err
	}
	return "", loads(spec)
}

func loads(spec *ebpf.CollectionSpec) error {
	loaded, err := ebpf.NewCollection(spec)
	if err == nil {
		loaded.Close()
	}
	return err
}

func fourArguments() (string, error) {
	params, err := operation("cong_control")
	if err == nil && params != 4 {
		err = fmt.Errorf("%d arguments", params)
	}
	return "", err
}

func txStart() (string, error) {
	_, err := operation("cwnd_event_tx_start")
	return "", err
}

// operation counts the arguments of a member of tcp_congestion_ops.
func operation(name string) (params int, err error) {
	ops, err := kernelStruct("tcp_congestion_ops")
	if err != nil {
		return 0, err
	}
	member, err := memberOf(ops, name)
	if err != nil {
		return 0, err
	}
	pointer, _ := btf.As[*btf.Pointer](member.Type)
	if pointer == nil {
		return 0, fmt.Errorf("%s is no pointer", name)
	}
	proto, _ := btf.As[*btf.FuncProto](pointer.Target)
	if proto == nil {
		return 0, fmt.Errorf("%s is no function", name)
	}
	return len(proto.Params), nil
}

func builtIn() (string, error) {
	if _, err := os.Stat("/sys/kernel/btf/tcp_bbr"); err == nil {
		return "", errors.New("a module")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return "", err
	}
	var bbr *btf.Struct
	if kernel.TypeByName("bbr", &bbr) != nil {
		return "", errors.New("a module, or not there")
	}
	return "", nil
}

// bbrTypes looks at the module as the kernel has it, after Try has loaded it.
func bbrTypes() (string, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return "", err
	}
	module, err := btf.LoadSplitSpec("/sys/kernel/btf/tcp_bbr", kernel)
	if errors.Is(err, fs.ErrNotExist) {
		return "built in", nil
	}
	if err != nil {
		return "", err
	}
	var own *btf.Struct
	if err := module.TypeByName("sock", &own); !errors.Is(err, btf.ErrNotFound) {
		return "", errors.New("the module has its own struct sock")
	}
	return "", nil
}

func storage() (string, error) {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return "", err
	}
	m, err := ebpf.NewMap(spec.Maps[bytecode.KernelMapResumeSeen])
	if err != nil {
		return "", err
	}
	defer m.Close()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return "", m.Put(uint32(fd), make([]byte, m.ValueSize()))
}

func appLimited() (string, error) {
	tcp, err := kernelStruct("tcp_sock")
	if err != nil {
		return "", err
	}
	member, err := memberOf(tcp, "app_limited")
	if err != nil {
		return "", err
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "probe_write", Type: ebpf.StructOps, AttachTo: "tcp_congestion_ops:cong_avoid", License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord), // the socket
			asm.Mov.Imm(asm.R3, 0),
			asm.StoreMem(asm.R2, int16(member.Offset.Bytes()), asm.R3, asm.Word),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	})
	if err != nil {
		return "", err
	}
	return "", prog.Close()
}

func cgroupID() (string, error) {
	return "", features.HaveProgramHelper(ebpf.SockOps, asm.FnGetCurrentCgroupId)
}

// optmem looks in a namespace of its own: the thread that is in it ends with it.
func optmem() (string, error) {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			failed <- err
			return
		}
		_, err := os.ReadFile("/proc/sys/net/core/optmem_max")
		failed <- err
	}()
	return "", <-failed
}

func kernelStruct(name string) (*btf.Struct, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var found *btf.Struct
	return found, kernel.TypeByName(name, &found)
}

func memberOf(s *btf.Struct, name string) (btf.Member, error) {
	i := slices.IndexFunc(s.Members, func(m btf.Member) bool { return m.Name == name })
	if i < 0 {
		return btf.Member{}, fmt.Errorf("%s has no %s", s.Name, name)
	}
	return s.Members[i], nil
}
