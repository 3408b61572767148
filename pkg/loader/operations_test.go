// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// described is a kernel with these operations, by the number of their
// arguments, and these functions.
func described(t *testing.T, operations map[string]int, functions ...string) *btf.Spec {
	t.Helper()
	ops := &btf.Struct{Name: operationsType}
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		proto := &btf.FuncProto{Return: &btf.Void{}, Params: make([]btf.FuncParam, operations[name])}
		for i := range proto.Params {
			proto.Params[i].Type = &btf.Int{Size: 4}
		}
		ops.Members = append(ops.Members, btf.Member{Name: name, Type: &btf.Pointer{Target: proto}, Offset: btf.Bits(64 * len(ops.Members))})
	}
	ops.Size = uint32(8 * len(ops.Members))
	types := []btf.Type{ops}
	for _, name := range functions {
		types = append(types, &btf.Func{Name: name, Type: &btf.FuncProto{Return: &btf.Void{}}, Linkage: btf.StaticFunc})
	}
	builder, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := builder.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// Each wrapper calls the running kernel's function for an operation, in the
// operation's form of that kernel.
func TestProgramsAreChosenFromTheKernelsTypes(t *testing.T) {
	linux61 := map[string]int{"cong_control": 2, "cwnd_event": 2}
	linux612 := map[string]int{"cong_control": 4, "cwnd_event": 2}
	linux71 := map[string]int{"cong_control": 4, "cwnd_event": 2, "cwnd_event_tx_start": 1}
	for _, c := range []struct {
		kernel     string
		operations map[string]int
		wrapper    string
		program    string
		member     string
		calls      string
	}{
		{"6.1", linux61, "cubic", "cubic_tx_start", "cwnd_event", "cubictcp_cwnd_event"},
		{"6.1", linux61, "reno", "reno_tx_start", "cwnd_event", ""},
		{"6.1", linux61, "bbr", "bbr_tx_start", "cwnd_event", "bbr_cwnd_event"},
		{"6.1", linux61, "bbr", "bbr_control", "cong_control", "bbr_main"},
		{"6.12", linux612, "cubic", "cubic_tx_start", "cwnd_event", "cubictcp_cwnd_event"},
		{"6.12", linux612, "reno", "reno_tx_start", "cwnd_event", ""},
		{"6.12", linux612, "bbr", "bbr_tx_start", "cwnd_event", "bbr_cwnd_event"},
		{"7.1", linux71, "cubic", "cubic_tx_start", "cwnd_event_tx_start", "cubictcp_cwnd_event_tx_start"},
		{"7.1", linux71, "reno", "reno_tx_start", "cwnd_event_tx_start", ""},
		{"7.1", linux71, "bbr", "bbr_tx_start", "cwnd_event_tx_start", "bbr_cwnd_event_tx_start"},
		{"7.1", linux71, "bbr", "bbr_control", "cong_control", "bbr_main"},
	} {
		t.Run(c.kernel+"/"+c.program, func(t *testing.T) {
			spec, err := wrapperOf(c.wrapper).fitted(described(t, c.operations))
			if err != nil {
				t.Fatal(err)
			}
			prog := spec.Programs[c.program]
			if prog.AttachTo != operationsType+":"+c.member {
				t.Errorf("it is %s, want %s", prog.AttachTo, c.member)
			}
			if got := strings.Join(kfuncs(prog), " "); got != c.calls {
				t.Errorf("it calls %q, want %q", got, c.calls)
			}
			for name, other := range spec.Programs {
				if name != c.program && other.AttachTo == prog.AttachTo {
					t.Errorf("%s is %s as well", name, other.AttachTo)
				}
			}
		})
	}
}

func TestAnUnknownFormIsAnError(t *testing.T) {
	for _, operations := range []map[string]int{
		{"cong_control": 3, "cwnd_event_tx_start": 1},
		{"cwnd_event_tx_start": 1}, // no cong_control
		{"cong_control": 4, "cwnd_event_tx_start": 2},
	} {
		_, err := wrapperOf("bbr").fitted(described(t, operations))
		if err == nil || !strings.Contains(err.Error(), operationsType) {
			t.Errorf("%v: %v", operations, err)
		}
	}
}

func wrapperOf(cc string) wrapper {
	return wrappers[slices.IndexFunc(wrappers, func(w wrapper) bool { return w.cc == cc })]
}

// Whatever one function or operation is missing, it is named, and nothing else.
func TestWhatAKernelLacksIsNamed(t *testing.T) {
	for _, w := range wrappers {
		t.Run(w.cc, func(t *testing.T) {
			spec, err := w.fitted(described(t, map[string]int{"cong_control": 4, "cwnd_event_tx_start": 1}))
			if err != nil {
				t.Fatal(err)
			}
			operations, functions := make(map[string]int), make(map[string]bool)
			for _, prog := range spec.Programs {
				operations[strings.TrimPrefix(prog.AttachTo, operationsType+":")] = 1
				for _, name := range kfuncs(prog) {
					functions[name] = true
				}
			}
			if len(operations) < 8 || len(functions) < 3 {
				t.Fatalf("only %v, %v", operations, functions)
			}
			all := slices.Collect(maps.Keys(functions))
			for _, gone := range all {
				without := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == gone })
				kernel := described(t, operations, without...)
				if got := slices.Compact(missing(spec, kernel, nil)); !slices.Equal(got, []string{"kfunc " + gone}) {
					t.Errorf("without %s: %q", gone, got)
				}
				if got := missing(spec, kernel, described(t, nil, gone)); got != nil {
					t.Errorf("with %s in the module: %q", gone, got)
				}
			}
			for gone := range operations {
				without := maps.Clone(operations)
				delete(without, gone)
				if got := missing(spec, described(t, without, all...), nil); !slices.Equal(got, []string{operationsType + "." + gone}) {
					t.Errorf("without %s: %q", gone, got)
				}
			}
		})
	}
}

// What the kernel describes but does not let programs call is named as well.
func TestWhatAKernelRefusesIsNamed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("loading programs needs root")
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	w := wrapperOf("cubic")
	spec, err := w.fitted(kernel)
	if err != nil {
		t.Fatal(err)
	}
	if err := tryPrograms(spec); err != nil {
		t.Fatal(err)
	}
	refused := spec.Programs[bytecode.CubicProgCubicAvoid]
	refused.Instructions = append(refused.Instructions, asm.Mov.Reg(asm.R0, asm.R9)) // falls off its end
	err = tryPrograms(spec)
	if err == nil {
		t.Fatal("a program without an end was loaded")
	}
	found := w.refused(spec, err)
	if found.Status != Warning || !strings.Contains(found.Detail, "that call cubictcp_cong_avoid:") {
		t.Errorf("%+v", found)
	}
}
