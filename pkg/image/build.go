// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ObjectFile is the name of the object in the image. The Go bpfman looks for
// ".o", bpfman 0.6 takes whatever comes first.
const ObjectFile = "tcpresume.bpf.o"

// Bytecode makes the image that bpfman loads: an index that lists each object
// under the architectures of its byte order, with one layer of one file. Both
// objects, if two are given, must hold the same programs and maps.
func Bytecode(objects []Object, meta Meta) (*Source, error) {
	images := make(map[string]v1.Image)
	for i, object := range objects {
		if !sameContents(object, objects[0]) {
			return nil, fmt.Errorf("the %s-endian object holds other programs or maps than the %s-endian one: compile both from one source", object.Order, objects[0].Order)
		}
		if i > 0 && object.Order == objects[0].Order {
			return nil, fmt.Errorf("two objects are %s-endian: give one for each byte order", object.Order)
		}
		layer, err := newLayer([]file{{ObjectFile, 0o644, object.Content}}, meta.created())
		if err != nil {
			return nil, err
		}
		labels := meta.annotations(bytecodeImage)
		maps.Copy(labels, object.Labels())
		for _, architecture := range Architectures {
			if orderOf(architecture) != object.Order {
				continue
			}
			images[architecture], err = newImage(architecture, layer, v1.Config{Labels: labels}, bytecodeImage, meta)
			if err != nil {
				return nil, err
			}
		}
	}
	if len(images) == 0 {
		return nil, errors.New("no object: an image needs at least one")
	}
	return newSource(images, bytecodeImage, meta), nil
}

func newImage(architecture string, layer v1.Layer, config v1.Config, k kind, meta Meta) (v1.Image, error) {
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: meta.history("tcpresume image build")})
	if err != nil {
		return nil, err
	}
	filled, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	filled = filled.DeepCopy()
	filled.OS, filled.Architecture, filled.Config = linux, architecture, config
	filled.Created = v1.Time{Time: meta.created()}
	if img, err = mutate.ConfigFile(img, filled); err != nil {
		return nil, err
	}
	return mutate.Annotations(img, meta.annotations(k)).(v1.Image), nil
}

func newSource(images map[string]v1.Image, k kind, meta Meta) *Source {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, architecture := range sortedKeys(images) {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        images[architecture],
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: linux, Architecture: architecture}},
		})
	}
	return &Source{Name: k.title + ":" + meta.tag(), index: mutate.Annotations(index, meta.annotations(k)).(v1.ImageIndex)}
}
