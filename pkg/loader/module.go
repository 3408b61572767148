// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf/btf"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/sys/unix"
)

const moduleMaxSize = 64 << 20

// errNoModule is wrapped where neither the kernel nor its modules have a name.
var errNoModule = errors.New("not there")

// moduleTypes describes the types that a module brings, from the kernel if it
// is loaded, else from its file. Nil: it is built in, or only the kernel can tell.
func moduleTypes(name string, loaded bool, kernel *btf.Spec) (*btf.Spec, error) {
	if loaded {
		return loadedModule(name, kernel)
	}
	dir, err := modulesDir()
	if err != nil {
		return nil, err
	}
	file, err := moduleFile(dir, name)
	if err != nil {
		return nil, err
	}
	image, err := readModule(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	object, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	types := object.Section(".BTF")
	if types == nil {
		return nil, fmt.Errorf("%s has no BTF; boot a kernel with CONFIG_DEBUG_INFO_BTF_MODULES", file)
	}
	if object.Section(".BTF.base") != nil { // its numbers become the running kernel's when it is loaded
		return nil, nil
	}
	return btf.LoadSplitSpecFromReader(types, kernel)
}

// loadedModule is nil for what is built in.
func loadedModule(name string, kernel *btf.Spec) (*btf.Spec, error) {
	module, err := btf.LoadSplitSpec(filepath.Join("/sys/kernel/btf", name), kernel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return module, err
}

func modulesDir() (string, error) {
	var uts unix.Utsname
	err := unix.Uname(&uts)
	return filepath.Join("/lib/modules", unix.ByteSliceToString(uts.Release[:])), err
}

// moduleFile finds a module as modprobe does.
func moduleFile(dir, name string) (string, error) {
	list, err := os.Open(filepath.Join(dir, "modules.dep"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoModule
	}
	if err != nil {
		return "", err
	}
	defer list.Close()
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		file, _, _ := strings.Cut(lines.Text(), ":")
		if base, _, _ := strings.Cut(filepath.Base(file), "."); strings.ReplaceAll(base, "-", "_") == name {
			return filepath.Join(dir, file), nil
		}
	}
	return "", errors.Join(lines.Err(), errNoModule)
}

func readModule(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var plain io.Reader = f
	switch filepath.Ext(file) {
	case ".xz":
		plain, err = xz.NewReader(bufio.NewReader(f))
	case ".zst":
		plain, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	case ".gz":
		plain, err = gzip.NewReader(f)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(plain, moduleMaxSize))
}
