// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tcpresume/tcpresume/test/check"
)

// What bpfman refuses leaves nothing behind, and tcpresume says that there is nothing.
func TestWrongImages(t *testing.T) {
	m := newMachine(t)
	host := m.registry(t, true)
	right := filepath.Join(t.TempDir(), "right")
	m.tcpresume(t, "image", "build", right)
	for name, c := range map[string]struct {
		image    func(t *testing.T) v1.Image
		programs string
		want     string
	}{
		"no labels": {func(t *testing.T) v1.Image {
			image := native(t, right)
			config, err := image.ConfigFile()
			check.Must(t, err)
			config = config.DeepCopy()
			config.Config.Labels = nil
			image, err = mutate.ConfigFile(image, config)
			check.Must(t, err)
			return image
		}, program(watch), "Labels not found"},
		"two layers, the wrong one first": {func(t *testing.T) v1.Image {
			return twoLayers(t, native(t, right))
		}, program(watch), "unable to get bytecode"},
		"wrong endianness":            {func(t *testing.T) v1.Image { return foreign(t, right) }, program(watch), "endianness: Big does not match host Little"},
		"sockops declared tracepoint": {func(t *testing.T) v1.Image { return native(t, right) }, program("tcp_resume"), "UnexpectedProgramType"},
	} {
		t.Run(name, func(t *testing.T) {
			reference := host + "/" + strings.NewReplacer(" ", "-", ",", "").Replace(name) + ":v1"
			m.send(t, reference, c.image(t))
			a := m.bpfman(t, "load", "image", "--image-url", reference, "--programs", c.programs, "-a", "tcpresume")
			if a.code == 0 {
				t.Error("bpfman loaded it")
			}
			has(t, "complaint", a.complaint+a.out, c.want)
			check.Same(t, "programs in bpfman", len(m.listed(t)), 0)
			up := m.try(t, "up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--detach")
			check.Same(t, "exit code", up.code, 3)
			has(t, "complaint", up.complaint, "bpfman has loaded nothing of tcpresume")
		})
	}
	if _, err := os.Stat("/sys/fs/bpf/tcpresume"); !os.IsNotExist(err) {
		t.Errorf("pins: %v", err)
	}
}

func native(t testing.TB, path string) v1.Image  { return imageFor(t, path, "amd64") }
func foreign(t testing.TB, path string) v1.Image { return imageFor(t, path, "s390x") }

// imageFor takes one image out of the index.
func imageFor(t testing.TB, path, architecture string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(path)
	check.Must(t, err)
	manifest, err := index.IndexManifest()
	check.Must(t, err)
	for _, entry := range manifest.Manifests {
		if entry.MediaType.IsIndex() {
			index, err = index.ImageIndex(entry.Digest)
			check.Must(t, err)
			manifest, err = index.IndexManifest()
			check.Must(t, err)
		}
	}
	for _, entry := range manifest.Manifests {
		if entry.Platform != nil && entry.Platform.Architecture == architecture {
			image, err := index.Image(entry.Digest)
			check.Must(t, err)
			return image
		}
	}
	t.Fatalf("no image for %s in %s", architecture, path)
	return nil
}

func twoLayers(t testing.TB, image v1.Image) v1.Image {
	t.Helper()
	layers, err := image.Layers()
	check.Must(t, err)
	config, err := image.ConfigFile()
	check.Must(t, err)
	other := static.NewLayer([]byte("no bytecode at all"), types.OCILayer)
	both, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), other, layers[0])
	check.Must(t, err)
	rest, err := both.ConfigFile()
	check.Must(t, err)
	rest = rest.DeepCopy()
	rest.Config.Labels = config.Config.Labels
	both, err = mutate.ConfigFile(both, rest)
	check.Must(t, err)
	return both
}
