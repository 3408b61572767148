// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// What a manifest names must be in the bytecode, in a section that the declared type allows.
func TestApplicationsNameProgramsOfTheObject(t *testing.T) {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		t.Fatal(err)
	}
	for overlay, want := range map[string][]string{
		"bpfman-go":  {"TracePoint tcp_resume SockOps", "TracePoint resume_watch TracePoint"},
		"bpfman-0.6": {"TracePoint resume_watch TracePoint", "TracePoint resume_rst_out TracePoint", "TracePoint resume_rst_in TracePoint"},
		"namespaced": {"TCX tcp_resume SockOps"},
	} {
		var got []string
		for _, o := range objects(t, render(t, folder+overlay)) {
			if !strings.HasSuffix(kind(o), "BpfApplication") {
				continue
			}
			for _, each := range at[[]any](o, "spec", "programs") {
				program := each.(object)
				name := at[string](program, "name")
				found := spec.Programs[name]
				if found == nil {
					t.Fatalf("%s: no program %s in the object", overlay, name)
				}
				got = append(got, at[string](program, "type")+" "+name+" "+found.Type.String())
				for _, link := range at[[]any](program, "tracepoint", "links") {
					if event := at[string](link.(object), "name"); found.Type == ebpf.TracePoint && found.AttachTo != event {
						t.Errorf("%s: %s is for %s, not %s", overlay, name, found.AttachTo, event)
					}
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", overlay, got, want)
		}
	}
}

func TestTheWritersVolumeHoldsEveryMap(t *testing.T) {
	for _, o := range objects(t, render(t, folder+"writer")) {
		if kind(o) != "Job" {
			continue
		}
		volume := at[[]any](o, "spec", "template", "spec", "volumes")[0].(object)
		listed := strings.Split(at[string](volume, "csi", "volumeAttributes", "csi.bpfman.io/maps"), ",")
		if !slices.Equal(listed, pathstore.Maps) {
			t.Errorf("maps %q, want %q", listed, pathstore.Maps)
		}
	}
}

// The real binary understands what each container is started with.
func TestContainersAreStartedWithArgumentsThatExist(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "tcpresume")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../..", "-o", binary, "./cmd/tcpresume")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, dir := range append([]string{"writer"}, overlays...) {
		for _, o := range objects(t, render(t, folder+dir)) {
			spec := at[object](o, "spec", "template", "spec")
			for _, each := range append(at[[]any](spec, "initContainers"), at[[]any](spec, "containers")...) {
				args := []string{}
				for _, arg := range at[[]any](each.(object), "args") {
					args = append(args, arg.(string))
				}
				out, err := exec.CommandContext(t.Context(), binary, append(args, "--help")...).CombinedOutput()
				if err != nil || !strings.Contains(string(out), "tcpresume "+args[0]+" ") {
					t.Errorf("%s: %s: %v: %s", dir, strings.Join(args, " "), err, out)
				}
			}
		}
	}
}
