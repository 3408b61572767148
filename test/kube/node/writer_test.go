// SPDX-License-Identifier: Apache-2.0

package node

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

// The Job of a restricted namespace, over maps as bpfman's CSI driver gives them,
// under the profile that the DaemonSet's init container leaves on the node.
func TestTheRestrictedWriter(t *testing.T) {
	text, err := api.Kubectl(t.Context(), "", "kustomize", "../../../manifests/writer")
	check.Must(t, err)
	var job struct {
		Kind string
		Spec struct{ Template podTemplate }
	}
	for decoder := yaml.NewDecoder(strings.NewReader(text)); job.Kind != "Job"; {
		check.Must(t, decoder.Decode(&job))
	}
	spec := job.Spec.Template.container("writer")
	profiles, err := os.MkdirTemp("", "tcpresume-profiles-") // other users' too, which t.TempDir is not
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, os.RemoveAll(profiles)) })
	check.Must(t, os.Chmod(profiles, 0o755))
	if spec.Profile != runtimeDefault {
		init := manifest(t, "seccomp")
		check.Must(t, os.MkdirAll(filepath.Join(profiles, "tcpresume"), 0o755))
		args := append(bounded(init), binary, init.Args[0], filepath.Join(profiles, "tcpresume"))
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("init container: %v, %s", err, out)
		}
		spec.Profile = filepath.Join(profiles, spec.Profile)
	}

	maps := "/sys/fs/bpf/csi"
	check.Must(t, rig.PinMaps(maps, 100))
	t.Cleanup(func() { check.Must(t, os.RemoveAll(maps)) })
	check.Must(t, os.Chmod("/sys/fs/bpf", 0o755))
	gid := spec.SecurityContext.RunAsGroup
	check.Must(t, os.Chown(maps, 0, gid))
	check.Must(t, os.Chmod(maps, 0o750))
	for _, name := range pathstore.Maps {
		check.Must(t, os.Chown(filepath.Join(maps, name), 0, gid))
		check.Must(t, os.Chmod(filepath.Join(maps, name), 0o660))
	}
	program := filepath.Join(profiles, "tcpresume-program") // where this user may run it
	content, err := os.ReadFile(binary)
	check.Must(t, err)
	check.Must(t, os.WriteFile(program, content, 0o755))
	args := append(bounded(spec), program)
	for _, arg := range spec.Args {
		if arg == "--maps=/maps" {
			arg = "--maps=" + maps
		}
		args = append(args, arg)
	}
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	store, err := pathstore.Open(maps)
	check.Must(t, err)
	defer store.Close()
	got, err := store.Get(netip.MustParseAddr("192.0.2.1"), 0)
	check.Must(t, err)
	got.TTL, got.Age = 0, 0
	want := pathstore.Entry{Path: resume.Path{
		Peer: netip.MustParseAddr("192.0.2.1"), Cwnd: 256 << 10, RTT: 80 * time.Millisecond,
		Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
	}, State: pathstore.StateFree}
	if got != want {
		t.Errorf("got %+v\n  want %+v", got, want)
	}
}
