// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tcpresume/tcpresume/bytecode"
)

var little, big = bytecode.KernelObject(binary.LittleEndian), bytecode.KernelObject(binary.BigEndian)

// recipe makes an image that may be wrong.
type recipe struct {
	labels map[string]string // nil: those of the object
	layers []v1.Layer
	docker bool
}

func archive(headers ...tar.Header) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		content := []byte(h.Linkname) // smuggled in
		h.Linkname, h.Mode, h.Size = "", 0o644, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			panic(err)
		}
		_, _ = w.Write(content)
	}
	_ = w.Close()
	return out.Bytes()
}

func regular(name string, content []byte) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: string(content)}
}

// zipped compresses nothing, which takes minutes under the race detector.
func zipped(content []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.NoCompression)
	_, _ = w.Write(content)
	_ = w.Close()
	return out.Bytes()
}

func layerOf(headers ...tar.Header) v1.Layer {
	return static.NewLayer(zipped(archive(headers...)), types.OCILayer)
}

func (r recipe) image(t *testing.T) v1.Image {
	t.Helper()
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if r.docker {
		base = empty.Image
	}
	img := must[v1.Image](t)(mutate.AppendLayers(base, r.layers...))
	if r.labels == nil {
		object := must[Object](t)(ParseObject(little))
		r.labels = object.Labels()
	}
	return must[v1.Image](t)(mutate.Config(img, v1.Config{Labels: r.labels}))
}

func labels(pairs ...string) map[string]string {
	all := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

func one(detail string) Finding {
	return Finding{Check: "layer", Status: OK, Platforms: []string{"any"}, Detail: detail}
}

func problem(check, detail, remedy string, by ...Generation) Finding {
	return Finding{Check: check, Status: Problem, Platforms: []string{"any"}, RefusedBy: by, Detail: detail, Remedy: remedy}
}

func warning(check, detail, remedy string) Finding {
	return Finding{Check: check, Status: Warning, Platforms: []string{"any"}, Detail: detail, Remedy: remedy}
}

// What each bpfman says of each wrong image was measured or read in its source.
func TestWrongImages(t *testing.T) {
	var (
		good      = layerOf(regular("tcpresume.bpf.o", little))
		gzipLayer = one("one, application/vnd.oci.image.layer.v1.tar+gzip")
		alone     = Finding{Check: "file", Status: OK, Platforms: []string{"any"}, Detail: "tcpresume.bpf.o, alone in the archive"}
		ours      = Finding{Check: "object", Status: OK, Platforms: []string{"any"}, Detail: "little-endian, that of this tcpresume"}
		object    = must[Object](t)(ParseObject(little))
		truthful  = Finding{Check: "labels", Status: OK, Platforms: []string{"any"}, Detail: fmt.Sprintf("name %s and %s, those of the object", count(len(object.Programs), "program"), count(len(object.Maps), "map"))}
		programs  = object.Labels()[LabelPrograms]
		mapsLabel = object.Labels()[LabelMaps]
		both      = generations
	)
	for _, c := range []struct {
		what   string
		recipe recipe
		want   []Finding
		order  ByteOrder // "" if no object was understood
	}{
		{"right", recipe{layers: []v1.Layer{good}}, []Finding{gzipLayer, alone, ours, truthful}, "little"},
		{"right, of Docker's types", recipe{docker: true, layers: []v1.Layer{static.NewLayer(zipped(archive(regular("tcpresume.bpf.o", little))), types.DockerLayer)}},
			[]Finding{one("one, application/vnd.docker.image.rootfs.diff.tar.gzip"), alone, ours, truthful}, "little"},
		{"no labels", recipe{layers: []v1.Layer{good}, labels: labels("a", "b")},
			[]Finding{gzipLayer, alone, ours, problem("labels", "no io.ebpf.programs and no io.ebpf.maps", relabel, Bpfman06)}, "little"},
		{"one label", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, programs)},
			[]Finding{gzipLayer, alone, ours, problem("labels", "no io.ebpf.maps", relabel, Bpfman06)}, "little"},
		{"the older labels", recipe{layers: []v1.Layer{good}, labels: labels(legacyLabels[0], "x", legacyLabels[1], "x", legacyLabels[2], "x", legacyLabels[3], "x")},
			[]Finding{gzipLayer, alone, ours, problem("labels", "the older set, which names x only", relabel, Bpfman06)}, "little"},
		{"a label that is no JSON", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, "tcp_resume", LabelMaps, mapsLabel)},
			[]Finding{gzipLayer, alone, ours, problem("labels", `io.ebpf.programs: "tcp_resume" is no JSON object of strings`, relabel, both...)}, "little"},
		{"a label that is a list", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, programs, LabelMaps, `["m"]`)},
			[]Finding{gzipLayer, alone, ours, problem("labels", `io.ebpf.maps: "[\"m\"]" is no JSON object of strings`, relabel, both...)}, "little"},
		{"an empty label", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, "", LabelMaps, mapsLabel)},
			[]Finding{gzipLayer, alone, ours, problem("labels", `io.ebpf.programs: "" is no JSON object of strings`, relabel, Bpfman06)}, "little"},
		{"labels that are not true", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, changed(object.Programs, "gone", "xdp"), LabelMaps, changed(object.Maps, "resume_paths", "hash"))},
			[]Finding{gzipLayer, alone, ours, problem("labels", "io.ebpf.programs: gone is not in the object", relabel), problem("labels", "io.ebpf.maps: resume_paths is lru_hash and called hash", relabel)}, "little"},
		{"a program that no label names", recipe{layers: []v1.Layer{good}, labels: labels(LabelPrograms, changed(object.Programs, "tcp_resume", ""), LabelMaps, mapsLabel)},
			[]Finding{gzipLayer, alone, ours, problem("labels", "io.ebpf.programs: tcp_resume is missing", relabel, Bpfman06)}, "little"},
		{"two layers", recipe{layers: []v1.Layer{good, layerOf(regular("more", nil))}},
			[]Finding{problem("layer", "2 of them: the Go bpfman reads the first, bpfman 0.6 whichever arrives first", rebuild, Bpfman06), alone, ours, truthful}, "little"},
		{"two layers, the object in the second", recipe{layers: []v1.Layer{layerOf(regular("more", nil)), good}},
			[]Finding{problem("layer", "2 of them: the Go bpfman reads the first, bpfman 0.6 whichever arrives first", rebuild, Bpfman06), problem("file", "more is not named .o", rebuild, BpfmanGo), problem("object", "not a BPF object: not an ELF file", rebuild, both...)}, ""},
		{"two layers, one uncompressed", recipe{layers: []v1.Layer{good, static.NewLayer(archive(), types.OCIUncompressedLayer)}},
			[]Finding{problem("layer", "2 of them: the Go bpfman reads the first, bpfman 0.6 whichever arrives first", rebuild, Bpfman06), problem("layer", "is application/vnd.oci.image.layer.v1.tar, and bpfman 0.6 reads tar+gzip only", rebuild, Bpfman06), alone, ours, truthful}, "little"},
		{"no layer", recipe{},
			[]Finding{problem("layer", "there is none", rebuild, both...)}, ""},
		{"an uncompressed layer", recipe{layers: []v1.Layer{static.NewLayer(archive(regular("tcpresume.bpf.o", little)), types.OCIUncompressedLayer)}},
			[]Finding{problem("layer", "is application/vnd.oci.image.layer.v1.tar, and bpfman 0.6 reads tar+gzip only", rebuild, Bpfman06), problem("file", "the layer is not compressed", rebuild, Bpfman06), alone, ours, truthful}, "little"},
		{"the object without an archive", recipe{layers: []v1.Layer{static.NewLayer(zipped(little), types.OCILayer)}},
			[]Finding{gzipLayer, problem("file", "the layer is the object itself, without an archive around it", rebuild, Bpfman06), ours, truthful}, "little"},
		{"a directory first", recipe{layers: []v1.Layer{layerOf(tar.Header{Typeflag: tar.TypeDir, Name: "bpf/"}, regular("bpf/tcpresume.bpf.o", little))}},
			[]Finding{gzipLayer, problem("file", "bpf/ comes first in the archive, and bpfman 0.6 takes it for the object", rebuild, Bpfman06), ours, truthful}, "little"},
		{"no .o in the name", recipe{layers: []v1.Layer{layerOf(regular("bytecode", little))}},
			[]Finding{gzipLayer, problem("file", "bytecode is not named .o", rebuild, BpfmanGo), ours, truthful}, "little"},
		{"two files", recipe{layers: []v1.Layer{layerOf(regular("tcpresume.bpf.o", little), regular("README", nil))}},
			[]Finding{gzipLayer, warning("file", "2 of them, only tcpresume.bpf.o is read", rebuild), ours, truthful}, "little"},
		{"another file first", recipe{layers: []v1.Layer{layerOf(regular("README", []byte("hi")), regular("tcpresume.bpf.o", little))}},
			[]Finding{gzipLayer, warning("file", "bpfman 0.6 loads README, the Go bpfman tcpresume.bpf.o", rebuild), ours, problem("object", "README, which bpfman 0.6 takes, is no BPF object for this machine", rebuild, Bpfman06), truthful}, "little"},
		{"no BPF", recipe{layers: []v1.Layer{layerOf(regular("sh.o", elfHeader("amd64", 1)))}},
			[]Finding{gzipLayer, {Check: "file", Status: OK, Platforms: []string{"any"}, Detail: "sh.o, alone in the archive"}, problem("object", "not a BPF object: an ELF file for EM_X86_64", rebuild, both...)}, ""},
		{"no ELF", recipe{layers: []v1.Layer{layerOf(regular("a.o", []byte("text")))}},
			[]Finding{gzipLayer, problem("file", "no file named .o is an ELF file", rebuild, BpfmanGo), problem("object", "not a BPF object: not an ELF file", rebuild, both...)}, ""},
		{"an empty archive", recipe{layers: []v1.Layer{layerOf()}},
			[]Finding{gzipLayer, problem("file", "the layer is empty", rebuild, both...)}, ""},
		{"no archive", recipe{layers: []v1.Layer{static.NewLayer(zipped([]byte("no archive at all")), types.OCILayer)}},
			[]Finding{gzipLayer, problem("layer", "the layer is no tar archive: unexpected EOF", rebuild, both...)}, ""},
		{"cut off", recipe{layers: []v1.Layer{static.NewLayer(zipped(archive(regular("a.o", little)))[:1000], types.OCILayer)}},
			[]Finding{gzipLayer, problem("layer", "the layer does not decompress: unexpected EOF", rebuild, both...)}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			src := &Source{Name: "x", image: c.recipe.image(t)}
			report := must[Report](t)(Inspect(src))
			want := append([]Finding{{Check: "index", Status: Warning, Remedy: rebuild, Detail: "none: the image is offered to every machine and fits little-endian ones only"}}, c.want...)
			if c.order == "" {
				want[0].Detail = "none: the image is offered to every machine"
			}
			want = merge(want)
			if !reflect.DeepEqual(report.Findings, want) {
				t.Errorf("findings\n got %+v\nwant %+v", report.Findings, want)
			}
			refusals := make(map[Generation]string)
			for _, g := range generations {
				if why := refusal(want, g); why != "" {
					refusals[g] = why
				}
			}
			if img := report.Images[0]; img.Order != c.order || !maps.Equal(img.Refusals, refusals) {
				t.Errorf("order %q, want %q; refusals %q, want %q", img.Order, c.order, img.Refusals, refusals)
			}
		})
	}
}

// changed is a label in which one name has another type, or is missing.
func changed(types map[string]string, name, what string) string {
	types = maps.Clone(types)
	if types[name] = what; what == "" {
		delete(types, name)
	}
	return labelOf(types)
}

func TestWrongIndexes(t *testing.T) {
	right := recipe{layers: []v1.Layer{layerOf(regular("tcpresume.bpf.o", little))}}.image(t)
	entry := func(add mutate.Appendable, platform *v1.Platform) mutate.IndexAddendum {
		return mutate.IndexAddendum{Add: add, Descriptor: v1.Descriptor{Platform: platform}}
	}
	linuxOn := func(architecture string) *v1.Platform { return &v1.Platform{OS: "linux", Architecture: architecture} }
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		entry(right, linuxOn("amd64")),
		entry(right, &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}),
		entry(right, &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v9"}),
		entry(right, linuxOn("s390x")),
		entry(right, &v1.Platform{OS: "unknown", Architecture: "unknown"}), // provenance, as buildx adds it
		entry(right, &v1.Platform{OS: "windows", Architecture: "amd64"}),
		entry(empty.Index, linuxOn("ppc64le")),
	)
	report := must[Report](t)(Inspect(&Source{Name: "x", index: index}))
	digest := must[v1.Hash](t)(right.Digest())
	var got []string
	for _, f := range report.Findings {
		if f.Status != OK {
			got = append(got, fmt.Sprintf("%s %s %v %v: %s", f.Status, f.Check, f.Platforms, f.RefusedBy, f.Detail))
		}
	}
	want := []string{
		"warning index [] []: " + digest.String() + " is a second entry for linux/arm64/v9 and never loaded: variants are not looked at",
		"warning index [] []: " + digest.String() + " is for no machine with Linux and never loaded",
		"problem index [linux/ppc64le] [0.6 go]: the entry is no image but application/vnd.oci.image.index.v1+json",
		"warning index [] []: nothing for riscv64",
		"problem object [linux/s390x] [0.6 go]: is little-endian, and s390x machines are big-endian",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	nothing := must[Report](t)(Inspect(&Source{Name: "x", index: mutate.IndexMediaType(empty.Index, types.OCIImageIndex)}))
	if nothing.Problems() != 1 || nothing.Images == nil {
		t.Errorf("%+v", nothing)
	}
}

// Whatever stands in a layer, there is a verdict on it.
func TestDamageIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	whole := archive(regular("tcpresume.bpf.o", little))
	for range 200 {
		damaged := bytes.Clone(whole)
		for range 1 + random.IntN(20) {
			damaged[random.IntN(len(damaged))] ^= byte(1 + random.IntN(255))
		}
		img := recipe{layers: []v1.Layer{static.NewLayer(zipped(damaged), types.OCILayer)}}.image(t)
		report := must[Report](t)(Inspect(&Source{Name: "x", image: img}))
		for _, f := range report.Findings {
			if f.Check == "object" && f.Detail == "little-endian, that of this tcpresume" && bytes.Contains(damaged, little) == false {
				t.Error("a damaged object passes for ours")
			}
		}
	}
}

func TestLayerIsNotWhatItsDigestSays(t *testing.T) {
	img := recipe{layers: []v1.Layer{layerOf(regular("tcpresume.bpf.o", little))}}.image(t)
	report := must[Report](t)(Inspect(&Source{Name: "x", image: forged{img}}))
	f := report.Findings[2]
	if f.Check != "layer" || f.Status != Problem || !strings.HasPrefix(f.Detail, "the layer is damaged: ") {
		t.Errorf("%+v", report.Findings)
	}
}

type forged struct{ v1.Image }

type forgedLayer struct {
	v1.Layer
	digest v1.Hash
}

func (l forgedLayer) Digest() (v1.Hash, error) { return l.digest, nil }

func (f forged) LayerByDigest(h v1.Hash) (v1.Layer, error) {
	return forgedLayer{layerOf(regular("tcpresume.bpf.o", big)), h}, nil
}
