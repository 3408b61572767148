// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// file is one entry of a layer. A name with a slash at the end is a directory.
type file struct {
	name    string
	mode    int64
	content []byte
}

// level costs a seventh of the time of the best one, for one hundredth more bytes.
const level = 7

// newLayer packs files in their order. The compressor is one that go.mod pins,
// and not the standard library's, whose output may change with the Go version.
func newLayer(files []file, created time.Time) (v1.Layer, error) {
	var packed bytes.Buffer
	compressor, err := gzip.NewWriterLevel(&packed, level)
	if err != nil {
		return nil, err
	}
	if err := writeTar(compressor, files, created); err != nil {
		return nil, err
	}
	if err := compressor.Close(); err != nil {
		return nil, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(packed.Bytes()))
	if err != nil {
		return nil, err
	}
	return partial.CompressedToLayer(gzipped{packed.Bytes(), digest, size})
}

func writeTar(w io.Writer, files []file, modified time.Time) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{
			Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.content)), Mode: f.mode, ModTime: modified,
		}
		if f.name[len(f.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := archive.Write(f.content); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	return archive.Close()
}

type gzipped struct {
	packed []byte
	digest v1.Hash
	size   int64
}

func (g gzipped) Digest() (v1.Hash, error)            { return g.digest, nil }
func (g gzipped) Size() (int64, error)                { return g.size, nil }
func (g gzipped) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (g gzipped) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(g.packed)), nil
}
