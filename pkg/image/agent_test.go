// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// elfHeader is the smallest ELF file for an architecture.
func elfHeader(architecture string, kind uint16) []byte {
	machine, order, data := uint16(machines[architecture]), binary.ByteOrder(binary.LittleEndian), byte(1)
	if architecture == "bpf" {
		machine = 247
	}
	if orderOf(architecture) == BigEndian {
		order, data = binary.BigEndian, 2
	}
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02")
	header[5], header[6] = data, 1
	order.PutUint16(header[16:], kind)
	order.PutUint16(header[18:], machine)
	order.PutUint32(header[20:], 1)
	order.PutUint16(header[52:], 64) // its own size
	return header
}

// agentRoots are what "make images" packs, with programs that are headers only.
func agentRoots(t *testing.T) map[string]fs.FS {
	t.Helper()
	roots := make(map[string]fs.FS)
	for _, architecture := range Architectures {
		roots[architecture] = fstest.MapFS{
			AgentProgram:                          {Data: elfHeader(architecture, 2), Mode: 0o751},
			"usr/share/doc/tcpresume/LICENSE":     {Data: []byte("Apache\n"), Mode: 0o600},
			"usr/share/doc/tcpresume/LICENSE.bpf": {Data: []byte("BSD\n"), Mode: 0o664},
		}
	}
	return roots
}

func TestAgentImage(t *testing.T) {
	src := must[*Source](t)(Agent(agentRoots(t), release))
	again := must[*Source](t)(Agent(agentRoots(t), release))
	if a, b := must[string](t)(src.Digest()), must[string](t)(again.Digest()); a != b {
		t.Errorf("digests %s and %s", a, b)
	}
	if sum := must[Summary](t)(src.Summary()); len(sum.Platforms) != len(Architectures) || src.Name != "tcpresume:v1.2.3" {
		t.Errorf("%s: %+v", src.Name, sum)
	}
	for _, d := range must[*v1.IndexManifest](t)(src.index.IndexManifest()).Manifests {
		img := must[v1.Image](t)(src.index.Image(d.Digest))
		config := must[*v1.ConfigFile](t)(img.ConfigFile())
		want := v1.Config{
			User: "65532:65532", Env: []string{"PATH=/usr/bin"}, Entrypoint: []string{"/usr/bin/tcpresume"}, Labels: release.annotations(agentImage),
		}
		if config.Architecture != d.Platform.Architecture || !reflect.DeepEqual(config.Config, want) {
			t.Errorf("%s: %+v", d.Platform, config)
		}
		if got := listing(t, img); !slices.Equal(got, []string{
			"usr/ 755 0:0 0", "usr/bin/ 755 0:0 0", "usr/bin/tcpresume 755 0:0 64", "usr/share/ 755 0:0 0", "usr/share/doc/ 755 0:0 0",
			"usr/share/doc/tcpresume/ 755 0:0 0", "usr/share/doc/tcpresume/LICENSE 644 0:0 7", "usr/share/doc/tcpresume/LICENSE.bpf 644 0:0 4",
		}) {
			t.Errorf("%s holds %q", d.Platform, got)
		}
	}
}

func listing(t *testing.T, img v1.Image) []string {
	t.Helper()
	var all []string
	for _, layer := range must[[]v1.Layer](t)(img.Layers()) {
		for archive := tar.NewReader(must[io.ReadCloser](t)(layer.Uncompressed())); ; {
			h, err := archive.Next()
			if err != nil {
				break
			}
			all = append(all, fmt.Sprintf("%s %o %d:%d %d", h.Name, h.Mode, h.Uid, h.Gid, h.Size))
		}
	}
	return all
}

func TestProgramsThatMakeNoImage(t *testing.T) {
	dynamic := append(elfHeader("amd64", 2), make([]byte, 56)...)
	binary.LittleEndian.PutUint64(dynamic[32:], 64) // program headers, one
	binary.LittleEndian.PutUint16(dynamic[54:], 56)
	binary.LittleEndian.PutUint16(dynamic[56:], 1)
	binary.LittleEndian.PutUint32(dynamic[64:], 3) // PT_INTERP
	root := func(architecture string, program []byte) map[string]fs.FS {
		return map[string]fs.FS{architecture: fstest.MapFS{AgentProgram: {Data: program}}}
	}
	linked := root("amd64", elfHeader("amd64", 2))
	linked["amd64"].(fstest.MapFS)["etc/passwd"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("x")}
	for want, roots := range map[string]map[string]fs.FS{
		"no program: an image needs one for some architecture":                                   {},
		"the program for amd64 is for EM_AARCH64: build it with GOARCH=amd64":                    root("amd64", elfHeader("arm64", 2)),
		"the program for amd64 needs shared libraries: build it with CGO_ENABLED=0":              root("amd64", dynamic),
		`no image is made for "mips": the architectures are [amd64 arm64 ppc64le riscv64 s390x]`: root("mips", nil),
		"amd64: open usr/bin/tcpresume: file does not exist":                                     {"amd64": fstest.MapFS{}},
		"amd64: etc/passwd is no regular file":                                                   linked,
	} {
		if _, err := Agent(roots, release); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A real engine makes the same of the recipe, but for times and history.
func TestAgentRecipeIsBuiltByBuildah(t *testing.T) {
	needBuildah(t, "images/Containerfile.agent")
	recipe, err := filepath.Abs("../../images/Containerfile.agent")
	if err != nil {
		t.Fatal(err)
	}
	context, store, out := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "layout")
	for architecture, root := range agentRoots(t) {
		if err := os.CopyFS(filepath.Join(context, "build", "agent", architecture), root); err != nil {
			t.Fatal(err)
		}
	}
	made := must[*Source](t)(Agent(map[string]fs.FS{"arm64": os.DirFS(filepath.Join(context, "build", "agent", "arm64"))}, release))
	buildah(t, store, context, "build", "--isolation", "chroot", "--no-cache", "-f", recipe, "--platform", "linux/arm64",
		"--build-arg", "VERSION="+release.Version, "--build-arg", "REVISION="+release.Revision, "-t", "made", ".")
	buildah(t, store, context, "push", "made", "oci:"+out)
	got := must[*Source](t)(Open(out)).image
	want := must[v1.Image](t)(made.index.Image(must[*v1.IndexManifest](t)(made.index.IndexManifest()).Manifests[0].Digest))
	gotConfig, wantConfig := must[*v1.ConfigFile](t)(got.ConfigFile()).Config, must[*v1.ConfigFile](t)(want.ConfigFile()).Config
	delete(gotConfig.Labels, "io.buildah.version")
	if !reflect.DeepEqual(gotConfig, wantConfig) {
		t.Errorf("config\n got %+v\nwant %+v", gotConfig, wantConfig)
	}
	if got, want := namesOf(listing(t, got)), namesOf(listing(t, want)); !slices.Equal(got, want) {
		t.Errorf("files\n got %q\nwant %q", got, want)
	}
}

func namesOf(listing []string) []string {
	var names []string
	for _, line := range listing {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return names
}

func needBuildah(t *testing.T, recipe string) {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Skipf("SKIPPED, buildah is not installed: nothing has built %s; on Debian: apt-get install --no-install-recommends buildah", recipe)
	}
}

func buildah(t *testing.T, store, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("buildah", append([]string{"--root", filepath.Join(store, "root"), "--runroot", filepath.Join(store, "run"), "--storage-driver", "vfs"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("buildah %s: %v\n%s", args[0], err, out)
	}
}
