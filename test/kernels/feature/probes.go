// SPDX-License-Identifier: Apache-2.0

package feature

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// Result is what a probe found.
type Result struct {
	Name    string
	Since   string // the Linux version that brought it
	Without string // what tcpresume does then
	Works   bool
	Detail  string
}

// The features that tests ask for by name.
const (
	Links  = "struct_ops links"
	Optmem = "net.core.optmem_max per namespace"
)

type probe struct {
	Result
	try func() (detail string, err error)
}

var probes = []probe{
	{Result{Name: "congestion controls from BPF", Since: "5.6", Without: "stored windows only: no ssthresh, no pacing, no `careful`"}, structOps},
	{Result{Name: "kfuncs of cubic, reno and bbr", Since: "5.13", Without: "no wrappers"}, kfuncs},
	{Result{Name: Links, Since: "6.4", Without: "wrappers are registered by map: an upgrade leaves a moment in which connections start cold, and after a crash the registration stays until the next `up` or `down`"}, structOpsLinks},
	{Result{Name: "cong_control with four arguments", Since: "6.10", Without: "the two-argument object is loaded: nothing is lost"}, fourArguments},
	{Result{Name: "bbr built in", Since: "a choice of the build", Without: "`up` loads the module tcp_bbr"}, builtIn},
	{Result{Name: "app_limited writable", Since: "between 6.1 and 6.12", Without: "not used"}, appLimited},
	{Result{Name: "bpf_get_current_cgroup_id in sockops", Since: "between 6.1 and 6.12", Without: "not used"}, cgroupID},
	{Result{Name: Optmem, Since: "between 6.1 and 6.12", Without: "one limit of socket option memory for all"}, optmem},
}

// Probe tries every feature.
func Probe() []Result {
	var all []Result
	for _, p := range probes {
		detail, err := p.try()
		p.Works, p.Detail = err == nil, detail
		if err != nil {
			p.Detail = firstLine(err)
		}
		all = append(all, p.Result)
	}
	return all
}

func firstLine(err error) string {
	var log *ebpf.VerifierError
	if errors.As(err, &log) && len(log.Log) > 1 {
		return log.Log[len(log.Log)-2] // the last is the count of instructions
	}
	return err.Error()
}

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
	spec, err := bytecode.LoadReno()
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
	spec, err := bytecode.LoadReno()
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
	ops, err := kernelStruct("tcp_congestion_ops")
	if err != nil {
		return "", err
	}
	member, err := memberOf(ops, "cong_control")
	if err != nil {
		return "", err
	}
	pointer, _ := btf.As[*btf.Pointer](member.Type)
	if pointer == nil {
		return "", errors.New("cong_control is no pointer")
	}
	proto, _ := btf.As[*btf.FuncProto](pointer.Target)
	if proto == nil {
		return "", errors.New("cong_control is no function")
	}
	if n := len(proto.Params); n != 4 {
		return "", fmt.Errorf("%d arguments", n)
	}
	return "", nil
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
