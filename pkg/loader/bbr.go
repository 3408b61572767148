// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// fitBBR makes BBR available, and takes cong_control with the number of
// arguments that the running kernel passes: four since Linux 6.10, two before.
func fitBBR(spec *ebpf.CollectionSpec) error {
	if err := ensureBBR(); err != nil {
		return err
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	params, err := congControlParams(kernel)
	if err != nil {
		return err
	}
	switch params {
	case 4:
		return nil
	case 2:
		old, err := bytecode.LoadBbrV1()
		if err != nil {
			return err
		}
		spec.Programs[bytecode.BbrProgBbrControl] = old.Programs[bytecode.BbrV1ProgBbrControl]
		return nil
	}
	return fmt.Errorf("cong_control takes %d arguments on this kernel, known are 2 and 4; report this kernel's version", params)
}

func congControlParams(kernel *btf.Spec) (int, error) {
	var ops *btf.Struct
	if err := kernel.TypeByName("tcp_congestion_ops", &ops); err != nil {
		return 0, err
	}
	i := slices.IndexFunc(ops.Members, func(m btf.Member) bool { return m.Name == "cong_control" })
	if i < 0 {
		return 0, errors.New("tcp_congestion_ops has no cong_control on this kernel")
	}
	pointer, ok := btf.As[*btf.Pointer](ops.Members[i].Type)
	if !ok {
		return 0, errors.New("cong_control is not a function on this kernel")
	}
	proto, ok := btf.As[*btf.FuncProto](pointer.Target)
	if !ok {
		return 0, errors.New("cong_control is not a function on this kernel")
	}
	return len(proto.Params), nil
}

// ensureBBR loads tcp_bbr where the distribution ships it as a module: the
// loader of programs does not do it for the functions they call.
func ensureBBR() error {
	if ok, err := congestionControl("bbr"); ok || err != nil {
		return err
	}
	if out, err := exec.Command("modprobe", "tcp_bbr").CombinedOutput(); err != nil {
		return fmt.Errorf("the kernel has no bbr: modprobe tcp_bbr: %w %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func congestionControl(name string) (bool, error) {
	list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err != nil {
		return false, err
	}
	return slices.Contains(strings.Fields(string(list)), name), nil
}
