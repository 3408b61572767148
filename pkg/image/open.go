// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Open reads an OCI layout, a directory or an archive, with one image in it. The
// caller closes the source. The error is ErrReference if there is none.
func Open(path string) (*Source, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openLayout(path, path)
	}
	dir, err := os.MkdirTemp("", "tcpresume-image-")
	if err != nil {
		return nil, err
	}
	if err = unpack(path, dir); err == nil {
		var src *Source
		if src, err = openLayout(path, dir); err == nil {
			src.cleanup = func() error { return os.RemoveAll(dir) }
			return src, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func openLayout(name, dir string) (*Source, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is no OCI layout: it has no readable index.json", ErrReference, name)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: index.json: %w", ErrReference, name, err)
	}
	all := manifest.Manifests
	switch {
	case len(all) == 0:
		return nil, fmt.Errorf("%w: %s is empty", ErrReference, name)
	case slices.ContainsFunc(all, func(d v1.Descriptor) bool { return d.Platform != nil }): // some tools write the image's own index there
		return &Source{Name: name, dir: dir, index: index}, nil
	case len(all) > 1:
		return nil, fmt.Errorf("%w: %s holds %d images: give a layout with one", ErrReference, name, len(all))
	}
	src := &Source{Name: name, dir: dir}
	if all[0].MediaType.IsIndex() {
		src.index, err = index.ImageIndex(all[0].Digest)
	} else {
		src.image, err = index.Image(all[0].Digest)
	}
	var got v1.Hash
	if err == nil {
		got, err = src.described().Digest() // of the bytes, which need not be those that the file's name promises
	}
	switch {
	case err != nil && absent(err):
		return nil, fmt.Errorf("%w: %w", ErrReference, missing(name, "the image that its index.json names", all[0].Digest))
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrReference, name, err)
	}
	return src, undamaged(name, all[0].Digest, got)
}

func undamaged(name string, want, got v1.Hash) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%w: %s is damaged: %s has the digest %s", ErrReference, name, want, got)
}

// inLayout are the names that an OCI layout has; anything else stays packed.
var inLayout = regexp.MustCompile(`^(oci-layout|index\.json|blobs/sha(256|512)/[0-9a-f]+)$`)

const maxLayout = 1 << 30

func unpack(archive, dir string) error {
	in, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	entries := tar.NewReader(io.LimitReader(in, maxLayout))
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %s is no archive of an OCI layout (%w)", ErrReference, archive, err)
		}
		name := strings.TrimPrefix(header.Name, "./")
		if header.Typeflag != tar.TypeReg || !inLayout.MatchString(name) {
			continue
		}
		if err := unpackFile(filepath.Join(dir, name), entries); err != nil {
			return fmt.Errorf("unpack %s: %w", archive, err)
		}
	}
}

func unpackFile(path string, from io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // the same blob twice
	}
	if err != nil {
		return err
	}
	_, err = io.Copy(out, from)
	return errors.Join(err, out.Close())
}
