// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ErrIncomplete is returned where an index names more than there is, as "docker
// save" and copies of one platform leave it.
var ErrIncomplete = errors.New("is incomplete")

const copyAll = `copy every platform ("skopeo copy --all", "crane pull --format oci"), or make one by "tcpresume image build"`

// missing says that a part of a source is not where the source says.
func missing(name, part string, digest v1.Hash) error {
	return fmt.Errorf("%s %w: %s (%s) is missing from it", name, ErrIncomplete, part, digest)
}

// absent reports whether an error says that a blob is not in a layout or a registry.
func absent(err error) bool {
	var answer *transport.Error
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}

// attests reports whether an entry of an index says something about another one
// (provenance, a list of contents), and is for no machine.
func attests(d v1.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

// entryName is what people call an entry of an index.
func entryName(d v1.Descriptor) string {
	switch {
	case attests(d):
		return "an attestation"
	case d.Platform == nil:
		return "an image without a platform"
	}
	return d.Platform.String()
}

// openImage opens an image of the index. The error is ErrIncomplete if a part of it is missing.
func (s *Source) openImage(d v1.Descriptor) (v1.Image, error) {
	img, err := s.index.Image(d.Digest)
	var got v1.Hash
	if err == nil {
		got, err = img.Digest() // which may be what opens it
	}
	switch {
	case err != nil && absent(err):
		return nil, missing(s.Name, entryName(d), d.Digest)
	case err != nil:
		return nil, err
	}
	if err := undamaged(s.Name, d.Digest, got); err != nil {
		return nil, err
	}
	return img, s.whole(img, entryName(d))
}

// whole looks for the blobs of an image in a layout. Those of a registry would
// have to be fetched for it.
func (s *Source) whole(img v1.Image, name string) error {
	if s.dir == "" {
		return nil
	}
	manifest, err := img.Manifest()
	if err != nil {
		return err
	}
	for _, d := range append(slices.Clone(manifest.Layers), manifest.Config) {
		if _, err := os.Stat(filepath.Join(s.dir, "blobs", d.Digest.Algorithm, d.Digest.Hex)); errors.Is(err, fs.ErrNotExist) {
			return missing(s.Name, "a part of "+name, d.Digest)
		}
	}
	return nil
}

// lacks is why a source cannot be sent on; nil if nothing is missing from it.
func (s *Source) lacks(parts []string) error {
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s %w: %s is missing from it, and a registry takes all that its index names; %s", ErrReference, s.Name, ErrIncomplete, strings.Join(parts, ", "), copyAll)
}
