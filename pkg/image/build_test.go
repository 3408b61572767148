// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tcpresume/tcpresume/bytecode"
)

var (
	release = Meta{Version: "v1.2.3", Revision: "0123abc"}
	noted1  = map[string]string{
		"org.opencontainers.image.title":       "tcpresume-bytecode",
		"org.opencontainers.image.description": "BPF programs of tcpresume, for bpfman",
		"org.opencontainers.image.licenses":    "GPL-2.0-only OR BSD-2-Clause",
		"org.opencontainers.image.source":      "https://github.com/tcpresume/tcpresume",
		"org.opencontainers.image.version":     "v1.2.3",
		"org.opencontainers.image.revision":    "0123abc",
	}
)

func builtIn(t *testing.T) []Object {
	t.Helper()
	objects, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// released is made once: compressing takes its time under the race detector.
var released = sync.OnceValues(func() (*Source, error) {
	objects, err := BuiltIn()
	if err != nil {
		return nil, err
	}
	return Bytecode(objects, release)
})

func bytecodeSource(t *testing.T) *Source {
	t.Helper()
	return must[*Source](t)(released())
}

func must[T any](t *testing.T) func(T, error) T {
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

func TestTheWholeImage(t *testing.T) {
	src := bytecodeSource(t)
	index := must[*v1.IndexManifest](t)(src.index.IndexManifest())
	want := &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: noted1, Manifests: []v1.Descriptor{}}
	for _, c := range []struct {
		architecture string
		order        binary.ByteOrder
	}{{"amd64", binary.LittleEndian}, {"arm64", binary.LittleEndian}, {"ppc64le", binary.LittleEndian}, {"riscv64", binary.LittleEndian}, {"s390x", binary.BigEndian}} {
		i := len(want.Manifests)
		if i >= len(index.Manifests) {
			t.Fatalf("no entry for %s", c.architecture)
		}
		img := must[v1.Image](t)(src.index.Image(index.Manifests[i].Digest))
		want.Manifests = append(want.Manifests, v1.Descriptor{
			MediaType: types.OCIManifestSchema1, Digest: must[v1.Hash](t)(img.Digest()), Size: must[int64](t)(img.Size()),
			Platform: &v1.Platform{OS: "linux", Architecture: c.architecture}, ArtifactType: string(types.OCIConfigJSON),
		})
		checkImage(t, img, c.architecture, bytecode.KernelObject(c.order))
	}
	if !reflect.DeepEqual(index, want) {
		t.Errorf("index\n got %+v\nwant %+v", index, want)
	}
	if src.Name != "tcpresume-bytecode:v1.2.3" {
		t.Errorf("name %q", src.Name)
	}
}

// checkImage compares manifest, config and layer whole with what is made here
// by other means.
func checkImage(t *testing.T, img v1.Image, architecture string, object []byte) {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: "tcpresume.bpf.o", Mode: 0o644, Size: int64(len(object)), ModTime: time.Unix(0, 0)}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Write(object)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	diffID, _, _ := v1.SHA256(bytes.NewReader(archive.Bytes()))
	layer := must[v1.Layer](t)(img.LayerByDiffID(diffID))
	packed := must[[]byte](t)(readAll(layer.Compressed, 1<<20))
	unpacked := must[[]byte](t)(gunzip(packed))
	if !bytes.Equal(unpacked, archive.Bytes()) {
		t.Errorf("%s: the layer is not the archive of one object", architecture)
	}
	packedDigest, packedSize, _ := v1.SHA256(bytes.NewReader(packed))

	labels := maps.Clone(noted1)
	parsed := must[Object](t)(ParseObject(object))
	maps.Copy(labels, parsed.Labels())
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	config := &v1.ConfigFile{
		Architecture: architecture, OS: "linux", Created: epoch, Config: v1.Config{Labels: labels},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		History: []v1.History{{Created: epoch, CreatedBy: "tcpresume image build"}},
	}
	if got := must[*v1.ConfigFile](t)(img.ConfigFile()); !reflect.DeepEqual(got, config) {
		t.Errorf("%s: config\n got %+v\nwant %+v", architecture, got, config)
	}
	rawConfig := must[[]byte](t)(img.RawConfigFile())
	configDigest, configSize, _ := v1.SHA256(bytes.NewReader(rawConfig))
	manifest := &v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Annotations: noted1,
		Config: v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: configDigest, Size: configSize},
		Layers: []v1.Descriptor{{MediaType: types.OCILayer, Digest: packedDigest, Size: packedSize}},
	}
	if got := must[*v1.Manifest](t)(img.Manifest()); !reflect.DeepEqual(got, manifest) {
		t.Errorf("%s: manifest\n got %+v\nwant %+v", architecture, got, manifest)
	}
}

func TestLabelsSayWhatTheObjectHolds(t *testing.T) {
	for _, object := range builtIn(t) {
		var programs, kept map[string]string
		labels := object.Labels()
		if err := errors.Join(json.Unmarshal([]byte(labels[LabelPrograms]), &programs), json.Unmarshal([]byte(labels[LabelMaps]), &kept)); err != nil {
			t.Fatal(err)
		}
		spec, err := bytecode.LoadKernel()
		if err != nil {
			t.Fatal(err)
		}
		for name := range spec.Maps {
			if _, ok := kept[name]; ok == strings.HasPrefix(name, ".") {
				t.Errorf("%s-endian: map %s, in the label: %v", object.Order, name, ok)
			}
		}
		if len(programs) != len(spec.Programs) || programs["tcp_resume"] != "sock_ops" || kept["resume_paths"] != "lru_hash" || kept["resume_policy"] != "lpm_trie" {
			t.Errorf("%s-endian: %v", object.Order, labels)
		}
		if all := labels[LabelPrograms] + labels[LabelMaps]; strings.ContainsAny(all, " '*?[]$\\`") {
			t.Errorf("a shell would change %s", all)
		}
	}
}

func TestEqualInputHasEqualDigest(t *testing.T) {
	digest := func(meta Meta) string {
		return must[string](t)(must[*Source](t)(Bytecode(builtIn(t), meta)).Digest())
	}
	first := digest(release)
	if again := digest(release); again != first {
		t.Errorf("%s and %s", first, again)
	}
	reversed := builtIn(t)
	slices.Reverse(reversed)
	if other := must[string](t)(must[*Source](t)(Bytecode(reversed, release)).Digest()); other != first {
		t.Errorf("the order of the objects changes the digest")
	}
	dated := release
	dated.Created = time.Unix(1_700_000_000, 5).In(time.FixedZone("there", 7200))
	utc := release
	utc.Created = time.Unix(1_700_000_000, 0).UTC()
	if digest(dated) == first || digest(dated) != digest(utc) {
		t.Errorf("a time counts in seconds and in no zone: %s, %s, %s", first, digest(dated), digest(utc))
	}
	if digest(Meta{Version: "v1.2.4", Revision: "0123abc"}) == first {
		t.Error("another version has the same digest")
	}
}

func TestObjectsThatMakeNoImage(t *testing.T) {
	objects := builtIn(t)
	other := objects[1]
	other.Programs = map[string]string{"tcp_resume": "sock_ops", "more": "xdp"}
	for _, c := range []struct {
		objects []Object
		want    string
	}{
		{nil, "no object: an image needs at least one"},
		{[]Object{objects[0], objects[0]}, "two objects are little-endian: give one for each byte order"},
		{[]Object{objects[0], other}, "the big-endian object holds other programs or maps than the little-endian one: compile both from one source"},
	} {
		if _, err := Bytecode(c.objects, release); err == nil || err.Error() != c.want {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	one := must[*Source](t)(Bytecode(objects[1:], release))
	if sum := must[Summary](t)(one.Summary()); !slices.Equal(sum.Platforms, []string{"linux/s390x"}) {
		t.Errorf("a big-endian object is for %v", sum.Platforms)
	}
}

func TestWhatIsNoObject(t *testing.T) {
	program := elfHeader("amd64", 2)
	executable := bytes.Clone(bytecode.KernelObject(binary.LittleEndian))
	executable[16] = 2 // ET_EXEC
	for want, content := range map[string][]byte{
		"not a BPF object: not an ELF file":                         []byte("#!/bin/sh\n"),
		"not a BPF object: an ELF file for EM_X86_64":               program,
		"not a BPF object: an ELF file of type ET_EXEC, not ET_REL": executable,
		"not a BPF object: load symbols: no symbol section":         elfHeader("bpf", 1),
	} {
		if _, err := ParseObject(content); !errors.Is(err, ErrNotBPF) || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	whole := bytecode.KernelObject(binary.LittleEndian)
	for _, n := range []int{0, 3, 64, len(whole) / 2, len(whole) - 1} {
		if _, err := ParseObject(whole[:n]); !errors.Is(err, ErrNotBPF) {
			t.Errorf("an object cut off at %d: %v", n, err)
		}
	}
}
