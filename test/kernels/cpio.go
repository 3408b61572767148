// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
)

// archive writes the format that the kernel unpacks at boot: "newc", gzipped
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	zip  *gzip.Writer
	made map[string]bool
	err  error
}

const (
	directory = 0o040755
	program   = 0o100755
	symlink   = 0o120777
)

func newArchive(to io.Writer) *archive {
	zip, _ := gzip.NewWriterLevel(to, gzip.BestSpeed)
	return &archive{zip: zip, made: map[string]bool{".": true}}
}

func (a *archive) entry(name string, mode int, content []byte) {
	if dir := path.Dir(name); !a.made[dir] {
		a.entry(dir, directory, nil)
	}
	if a.made[name] || a.err != nil {
		return
	}
	a.made[name] = true
	const links, inode = 1, 0
	_, a.err = fmt.Fprintf(a.zip, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	const header = 110
	a.pad(header + len(name) + 1)
	if a.err == nil {
		_, a.err = a.zip.Write(content)
	}
	a.pad(len(content))
}

// pad aligns to four bytes.
func (a *archive) pad(written int) {
	if a.err == nil {
		_, a.err = a.zip.Write(make([]byte, -written&3))
	}
}

// file adds a file of the host's.
func (a *archive) file(name, from string) {
	content, err := os.ReadFile(from)
	if a.err == nil {
		a.err = err
	}
	a.entry(name, program, content)
}

func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.zip.Close()
}
