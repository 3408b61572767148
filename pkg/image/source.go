// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Source is an image somewhere: an index of images for several machines, or one
// image alone.
type Source struct {
	Name      string // a reference, a path, or that of an image just made
	dir       string // of the layout; empty: it is not in one
	index     v1.ImageIndex
	image     v1.Image
	plainHTTP bool // came from a registry without TLS
	cleanup   func() error
}

// Close removes what opening the source has left on disk.
func (s *Source) Close() error {
	if s.cleanup == nil {
		return nil
	}
	return s.cleanup()
}

// described is what an index and an image have in common.
type described interface {
	MediaType() (types.MediaType, error)
	Digest() (v1.Hash, error)
	Size() (int64, error)
	RawManifest() ([]byte, error)
}

func (s *Source) described() described {
	if s.index != nil {
		return s.index
	}
	return s.image
}

// Digest is what to pin in a reference: HOST/NAME@DIGEST.
func (s *Source) Digest() (string, error) {
	digest, err := s.described().Digest()
	return digest.String(), err
}

// Summary is what there is to say of an image without judging it.
type Summary struct {
	Digest    string   `json:"digest"`
	MediaType string   `json:"media_type"`
	Platforms []string `json:"platforms"`
	Missing   []string `json:"missing,omitempty"` // platforms that the index names and that are not there, whole
	Bytes     int64    `json:"bytes"`             // of all manifests and blobs, each once
}

// Summary reads manifests only.
func (s *Source) Summary() (Summary, error) {
	mediaType, err := s.described().MediaType()
	if err != nil {
		return Summary{}, err
	}
	digest, err := s.Digest()
	if err != nil {
		return Summary{}, err
	}
	sum := Summary{Digest: digest, MediaType: string(mediaType), Platforms: []string{}}
	sizes := make(map[v1.Hash]int64)
	if err := s.measure(&sum, sizes); err != nil {
		return Summary{}, err
	}
	for _, size := range sizes {
		sum.Bytes += size
	}
	return sum, nil
}

func (s *Source) measure(sum *Summary, sizes map[v1.Hash]int64) error {
	if s.index == nil {
		err := s.whole(s.image, "the image")
		if errors.Is(err, ErrIncomplete) {
			sum.Missing = append(sum.Missing, "the image")
			err = nil
		}
		return errors.Join(err, measureImage(s.image, sizes))
	}
	own, err := partial.Descriptor(s.index)
	if err != nil {
		return err
	}
	sizes[own.Digest] = own.Size
	manifest, err := s.index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range manifest.Manifests {
		if !d.MediaType.IsImage() {
			continue
		}
		img, err := s.openImage(d)
		if errors.Is(err, ErrIncomplete) {
			sum.Missing = append(sum.Missing, entryName(d))
			continue
		}
		if err != nil {
			return err
		}
		if d.Platform != nil && !attests(d) {
			sum.Platforms = append(sum.Platforms, d.Platform.String())
		}
		if err := measureImage(img, sizes); err != nil {
			return err
		}
	}
	return nil
}

func measureImage(img v1.Image, sizes map[v1.Hash]int64) error {
	own, err := partial.Descriptor(img)
	if err != nil {
		return err
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	for _, d := range append(manifest.Layers, manifest.Config, *own) {
		sizes[d.Digest] = d.Size
	}
	return nil
}

func readAll(open func() (io.ReadCloser, error), limit int64) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, limit))
}
