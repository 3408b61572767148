// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// ErrExists is returned where something is in the way of what is to be written.
var ErrExists = errors.New("exists already")

const (
	layoutMark  = "oci-layout" // the file that makes a directory an OCI layout
	refName     = "org.opencontainers.image.ref.name"
	archiveTail = ".tar"
)

// Write puts an image that was just made into a new OCI layout, under its name:
// an archive if the path ends in .tar, else a directory. The path is complete or
// it is not there; what was there before is replaced only if replace is set and
// it is a layout too. The error may be ErrExists.
func Write(path string, src *Source, replace bool) (err error) {
	path = filepath.Clean(path)
	if err := replaceable(path, replace); err != nil {
		return err
	}
	part, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	dir := filepath.Join(part, "layout")
	if err := writeLayout(dir, src); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	made := dir
	if strings.HasSuffix(path, archiveTail) {
		made = filepath.Join(part, "archive")
		if err := writeArchive(made, dir); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return moveInto(path, made, filepath.Join(part, "before"))
}

// moveInto renames; a directory cannot be renamed over one that holds files, so
// that one is put aside, and put back on failure.
func moveInto(path, made, aside string) error {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return os.Rename(made, path)
	}
	if err := os.Rename(path, aside); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return errors.Join(err, os.Rename(aside, path))
	}
	return nil
}

func replaceable(path string, replace bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case isEmptyDir(path):
		return nil
	case !replace:
		return fmt.Errorf("%s %w", path, ErrExists)
	case info.IsDir() == strings.HasSuffix(path, archiveTail):
		return fmt.Errorf("%s %w, and is no file of that kind", path, ErrExists)
	case !info.IsDir():
		return nil
	}
	if _, err := os.Stat(filepath.Join(path, layoutMark)); err != nil {
		return fmt.Errorf("%s %w, and is no OCI layout: it is left alone", path, ErrExists)
	}
	return nil
}

func isEmptyDir(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}

func writeLayout(dir string, src *Source) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return to.AppendIndex(src.index, layout.WithAnnotations(map[string]string{refName: src.Name}))
}

// writeArchive packs a layout; names are sorted and times fixed, so that equal
// layouts make equal archives.
func writeArchive(path, dir string) error {
	var files []file
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if d.IsDir() {
			files = append(files, file{filepath.ToSlash(name) + "/", 0o755, nil})
			return nil
		}
		content, err := os.ReadFile(p)
		files = append(files, file{filepath.ToSlash(name), 0o644, content})
		return err
	})
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(writeTar(out, files, time.Unix(0, 0)), out.Close())
}
