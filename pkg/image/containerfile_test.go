// SPDX-License-Identifier: Apache-2.0

package image

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const containerfile = "../../Containerfile.bytecode"

// stage is one image of a Containerfile, its lines without comments.
type stage struct {
	from  string
	lines []string
}

func stages(t *testing.T) (names []string, all map[string]stage) {
	t.Helper()
	text, err := os.ReadFile(containerfile)
	if err != nil {
		t.Fatal(err)
	}
	all = make(map[string]stage)
	name := "before the first"
	for line := range strings.SplitSeq(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if words[0] == "FROM" {
			name = "last"
			if len(words) == 4 && words[2] == "AS" {
				name = words[3]
			}
			names = append(names, name)
			all[name] = stage{from: words[1]}
			continue
		}
		s := all[name]
		s.lines = append(s.lines, strings.Join(words, " "))
		all[name] = s
	}
	return names, all
}

var labelPair = regexp.MustCompile(`(\S+?)=(?:"([^"]*)"|(\S+))`)

// The recipe makes what Bytecode makes, as far as its text tells.
func TestContainerfileSaysTheSame(t *testing.T) {
	names, all := stages(t)
	if want := append([]string{"little", "big"}, append(slices.Clone(Architectures), "last")...); !slices.Equal(names, want) {
		t.Fatalf("stages %v, want %v", names, want)
	}
	meta := Meta{Version: "$VERSION", Revision: "$REVISION"}
	wantLabels := meta.annotations(bytecodeImage)
	wantLabels[LabelPrograms], wantLabels[LabelMaps] = "$PROGRAMS", "$MAPS"
	for order, object := range map[ByteOrder]string{LittleEndian: "bytecode/kernel_bpfel.o", BigEndian: "bytecode/kernel_bpfeb.o"} {
		s := all[string(order)]
		if s.from != "scratch" || len(s.lines) != 6 || !slices.Equal(s.lines[:4], []string{"ARG PROGRAMS", "ARG MAPS", "ARG VERSION", "ARG REVISION"}) {
			t.Fatalf("%s: %+v", order, s)
		}
		labels := make(map[string]string)
		for _, pair := range labelPair.FindAllStringSubmatch(strings.TrimPrefix(s.lines[4], "LABEL "), -1) {
			labels[pair[1]] = pair[2] + pair[3]
		}
		if !maps.Equal(labels, wantLabels) {
			t.Errorf("%s: labels\n got %v\nwant %v", order, labels, wantLabels)
		}
		if want := "COPY " + object + " /" + ObjectFile; s.lines[5] != want {
			t.Errorf("%s: %s, want %s", order, s.lines[5], want)
		}
		content, err := os.ReadFile(filepath.Join("../..", object))
		if err != nil || orderOfFile(t, content) != order {
			t.Errorf("%s is not %s-endian: %v", object, order, err)
		}
	}
	for _, architecture := range Architectures {
		if s := all[architecture]; s.from != string(orderOf(architecture)) || len(s.lines) != 0 {
			t.Errorf("%s: %+v", architecture, s)
		}
	}
	if last, first := all["last"], all["before the first"]; last.from != "${TARGETARCH}" || len(last.lines) != 0 || !slices.Equal(first.lines, []string{"ARG TARGETARCH"}) {
		t.Errorf("%+v, %+v", first, last)
	}
}

func orderOfFile(t *testing.T, content []byte) ByteOrder {
	t.Helper()
	return must[ByteOrder](t)(objectOrder(content))
}

// A real engine makes an image of the recipe with the same labels and the same
// one file, under the same platforms; its times and history differ.
func TestContainerfileIsBuiltByBuildah(t *testing.T) {
	needBuildah(t, "Containerfile.bytecode")
	store, out := t.TempDir(), filepath.Join(t.TempDir(), "layout")
	object := builtIn(t)[0]
	labels := object.Labels()
	var platforms []string
	for _, architecture := range Architectures {
		platforms = append(platforms, "linux/"+architecture)
	}
	buildah(t, store, "../..", "build", "--isolation", "chroot", "--no-cache", "--timestamp", "0", "-f", "Containerfile.bytecode",
		"--build-arg", "PROGRAMS="+labels[LabelPrograms], "--build-arg", "MAPS="+labels[LabelMaps],
		"--build-arg", "VERSION="+release.Version, "--build-arg", "REVISION="+release.Revision,
		"--platform", strings.Join(platforms, ","), "--manifest", "made", ".")
	buildah(t, store, "../..", "manifest", "push", "--all", "made", "oci:"+out)
	got, want := contents(t, must[*Source](t)(Open(out))), contents(t, bytecodeSource(t))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	if report := must[Report](t)(Inspect(must[*Source](t)(Open(out)))); report.Problems() != 0 || slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Status != OK }) {
		t.Errorf("%+v", report.Findings)
	}
}

type madeImage struct {
	labels  map[string]string
	entries []entry
}

func contents(t *testing.T, src *Source) map[string]madeImage {
	t.Helper()
	all := make(map[string]madeImage)
	for _, d := range must[*v1.IndexManifest](t)(src.index.IndexManifest()).Manifests {
		img := must[v1.Image](t)(src.index.Image(d.Digest))
		config := must[*v1.ConfigFile](t)(img.ConfigFile())
		layers := must[[]v1.Layer](t)(img.Layers())
		if len(layers) != 1 || config.Architecture != d.Platform.Architecture {
			t.Fatalf("%s: %d layers, for %s", d.Platform, len(layers), config.Architecture)
		}
		delete(config.Config.Labels, "io.buildah.version")
		all[d.Platform.String()] = madeImage{config.Config.Labels, must[content](t)(readLayer(layers[0])).entries}
	}
	return all
}
