// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tcpresume/tcpresume/bytecode"
)

// judge says what each bpfman does with an image. How they differ was read in
// their sources, and each wrong image of the tests tried with both: bpfman 0.6.0
// and the Go one of August 2026 (385d6f5d).
func judge(architecture string, img v1.Image) (Image, []Finding, error) {
	digest, err := img.Digest()
	if err != nil {
		return Image{}, nil, err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return Image{}, nil, err
	}
	j := judgement{image: Image{Digest: digest.String()}, architecture: architecture}
	j.layers(manifest.Layers)
	if len(manifest.Layers) > 0 {
		layer, err := img.LayerByDigest(manifest.Layers[0].Digest)
		if err != nil {
			return Image{}, nil, err
		}
		found, err := readLayer(layer)
		j.image.Layer = found.digest
		if err != nil {
			j.find(refused("layer", err.Error(), rebuild, generations...))
		} else {
			j.file(found)
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return Image{}, nil, err
	}
	j.labels(config.Config.Labels)
	return j.image, j.findings, nil
}

type judgement struct {
	architecture string // empty if the image is not in an index
	image        Image
	object       *Object
	findings     []Finding
}

func (j *judgement) find(f Finding) { j.findings = append(j.findings, f) }

func (j *judgement) layers(layers []v1.Descriptor) {
	switch {
	case len(layers) == 0:
		j.find(refused("layer", "there is none", rebuild, generations...))
		return
	case len(layers) > 1:
		j.find(refused("layer", fmt.Sprintf("%d of them: the Go bpfman reads the first, bpfman 0.6 whichever arrives first", len(layers)), rebuild, Bpfman06))
	}
	for _, d := range layers {
		if d.MediaType != types.OCILayer && d.MediaType != types.DockerLayer {
			j.find(refused("layer", fmt.Sprintf("is %s, and bpfman 0.6 reads tar+gzip only", d.MediaType), rebuild, Bpfman06))
			return
		}
	}
	if len(layers) == 1 {
		j.find(passed("layer", "one, "+string(layers[0].MediaType)))
	}
}

func (j *judgement) file(c content) {
	if c.bare {
		j.find(refused("file", "the layer is the object itself, without an archive around it", rebuild, Bpfman06))
	} else if !c.gzipped {
		j.find(refused("file", "the layer is not compressed", rebuild, Bpfman06))
	}
	first, found := c.taken(Bpfman06)
	if !found {
		j.find(refused("file", "the layer is empty", rebuild, generations...))
		return
	}
	named, found := c.taken(BpfmanGo)
	switch {
	case !found && !slices.ContainsFunc(c.entries, func(e entry) bool { return strings.HasSuffix(e.name, ".o") }):
		j.find(refused("file", fmt.Sprintf("%s is not named .o", first.name), rebuild, BpfmanGo))
	case !found:
		j.find(refused("file", "no file named .o is an ELF file", rebuild, BpfmanGo))
	case !first.regular:
		j.find(refused("file", fmt.Sprintf("%s comes first in the archive, and bpfman 0.6 takes it for the object", first.name), rebuild, Bpfman06))
	case first.name != named.name:
		j.find(noted("file", fmt.Sprintf("bpfman 0.6 loads %s, the Go bpfman %s", first.name, named.name), rebuild))
	case len(c.entries) > 1:
		j.find(noted("file", fmt.Sprintf("%d of them, only %s is read", len(c.entries), first.name), rebuild))
	case named.size > maxObject:
		j.find(refused("file", fmt.Sprintf("%d bytes, and the Go bpfman reads %d at most", named.size, maxObject), rebuild, BpfmanGo))
	case !c.bare:
		j.find(passed("file", first.name+", alone in the archive"))
	}
	if !found {
		named = first
	}
	j.image.File, j.image.Bytes = cmp.Or(named.name, "-"), named.size
	j.elf(named)
	if found && first.regular && first.name != named.name {
		j.other(first)
	}
}

func (j *judgement) elf(e entry) {
	object, err := ParseObject(e.bytes)
	if err != nil {
		j.find(refused("object", err.Error(), rebuild, generations...))
		return
	}
	j.object = &object
	j.image.Order, j.image.Programs, j.image.Maps = object.Order, object.Programs, object.Maps
	if j.architecture != "" && object.Order != orderOf(j.architecture) {
		j.find(refused("object", fmt.Sprintf("is %s-endian, and %s machines are %s-endian", object.Order, j.architecture, orderOf(j.architecture)), rebuild, generations...))
		return
	}
	for _, order := range []ByteOrder{LittleEndian, BigEndian} {
		if object.Order == order && bytes.Equal(object.Content, bytecode.KernelObject(order.binary())) {
			j.find(passed("object", fmt.Sprintf("%s-endian, that of this tcpresume", order)))
			return
		}
	}
	j.find(noted("object", fmt.Sprintf("%s-endian, another than that of this tcpresume", object.Order), sameVersion))
}

// other judges the file that bpfman 0.6 takes where the Go one takes another.
func (j *judgement) other(e entry) {
	if order, err := objectOrder(e.bytes); err != nil || j.architecture != "" && order != orderOf(j.architecture) {
		j.find(refused("object", fmt.Sprintf("%s, which bpfman 0.6 takes, is no BPF object for this machine", e.name), rebuild, Bpfman06))
	}
}
