// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// A module is read as distributions ship it.
func TestModulesAreReadInEveryPacking(t *testing.T) {
	packings := map[string]func(io.Writer) (io.WriteCloser, error){
		"":     func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil },
		".xz":  func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
		".zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
		".gz":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	}
	want := bytes.Repeat([]byte("a module"), 1000)
	for suffix, pack := range packings {
		t.Run("ko"+suffix, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "modules.dep"), []byte("kernel/other.ko"+suffix+":\ntcp-bbr.ko"+suffix+": kernel/other.ko"+suffix+"\n"))
			var packed bytes.Buffer
			to, err := pack(&packed)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := to.Write(want); err != nil {
				t.Fatal(err)
			}
			if err := to.Close(); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "tcp-bbr.ko"+suffix), packed.Bytes())
			file, err := moduleFile(dir, "tcp_bbr")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readModule(file); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if _, err := moduleFile(dir, "tcp_cubic"); !errors.Is(err, errNoModule) {
				t.Errorf("of a module that is not there: %v", err)
			}
		})
	}
}

func TestAModuleWithSocketsOfItsOwnIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		types   btf.Type
		refused bool
	}{
		"deduplicated":     {&btf.Struct{Name: "bbr", Size: 8}, false},
		"a forward":        {&btf.Fwd{Name: "sock", Kind: btf.FwdStruct}, false},
		"not deduplicated": {&btf.Struct{Name: "sock", Size: 8}, true},
	} {
		builder, err := btf.NewBuilder([]btf.Type{c.types}, nil)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := builder.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if err := checkModuleTypes("tcp_bbr", spec); errors.Is(err, errForeignTypes) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
