// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	maxObject = 16 << 20 // the Go bpfman reads no larger one
	maxLayer  = 4 * maxObject
)

// content is the first layer as far as a bpfman reads it.
type content struct {
	digest  string
	size    int64
	gzipped bool
	bare    bool // an object without an archive around it
	entries []entry
}

type entry struct {
	name    string
	regular bool
	size    int64
	bytes   []byte // of a regular file, at most maxObject
}

// readLayer reads a layer and compares it with its digest, which a registry
// does and a directory does not.
func readLayer(layer v1.Layer) (content, error) {
	digest, err := layer.Digest()
	if err != nil {
		return content{}, err
	}
	packed, err := readAll(layer.Compressed, maxLayer)
	if err != nil {
		return content{}, err
	}
	got, size, err := v1.SHA256(bytes.NewReader(packed))
	if err != nil {
		return content{}, err
	}
	c := content{digest: digest.String(), size: size}
	if got != digest {
		return c, fmt.Errorf("the layer is damaged: %s has the digest %s", digest, got)
	}
	unpacked := packed
	if c.gzipped = bytes.HasPrefix(packed, []byte{0x1f, 0x8b}); c.gzipped {
		if unpacked, err = gunzip(packed); err != nil {
			return c, err
		}
	}
	if c.bare = bytes.HasPrefix(unpacked, []byte("\x7fELF")); c.bare {
		c.entries = []entry{{regular: true, size: int64(len(unpacked)), bytes: unpacked}}
		return c, nil
	}
	c.entries, err = untar(unpacked)
	return c, err
}

func gunzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("the layer does not decompress: %w", err)
	}
	unpacked, err := io.ReadAll(io.LimitReader(r, maxLayer))
	if err != nil {
		return nil, fmt.Errorf("the layer does not decompress: %w", err)
	}
	return unpacked, nil
}

func untar(unpacked []byte) ([]entry, error) {
	var entries []entry
	for archive := tar.NewReader(bytes.NewReader(unpacked)); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return entries, fmt.Errorf("the layer is no tar archive: %w", err)
		}
		e := entry{name: header.Name, regular: header.Typeflag == tar.TypeReg, size: header.Size}
		if e.regular {
			if e.bytes, err = io.ReadAll(io.LimitReader(archive, maxObject)); err != nil {
				return entries, fmt.Errorf("the layer is cut off in %s: %w", e.name, err)
			}
		}
		entries = append(entries, e)
	}
}

// taken is the entry that a generation loads: the first of all in 0.6, the
// first ELF file named .o in the one in Go.
func (c content) taken(by Generation) (entry, bool) {
	for _, e := range c.entries {
		if by == Bpfman06 || c.bare || strings.HasSuffix(e.name, ".o") && bytes.HasPrefix(e.bytes, []byte("\x7fELF")) {
			return e, true
		}
	}
	return entry{}, false
}
