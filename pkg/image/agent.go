// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// AgentProgram is the program of the agent's image, below its root.
const AgentProgram = "usr/bin/tcpresume"

// nobody is the user that distroless images call nonroot. Most verbs need no
// more; what loads BPF is started as another user, with capabilities.
const nobody = "65532:65532"

// Agent makes the image of the tcpresume program: an index with one layer for
// each architecture, which holds the files of its root and nothing else.
func Agent(roots map[string]fs.FS, meta Meta) (*Source, error) {
	if len(roots) == 0 {
		return nil, errors.New("no program: an image needs one for some architecture")
	}
	images := make(map[string]v1.Image)
	for _, architecture := range sortedKeys(roots) {
		program, err := fs.ReadFile(roots[architecture], AgentProgram)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", architecture, err)
		}
		if err := checkStatic(architecture, program); err != nil {
			return nil, err
		}
		files, err := filesOf(roots[architecture])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", architecture, err)
		}
		layer, err := newLayer(files, meta.created())
		if err != nil {
			return nil, err
		}
		config := v1.Config{
			Entrypoint: []string{"/" + AgentProgram},
			Env:        []string{"PATH=/usr/bin"},
			User:       nobody,
			Labels:     meta.annotations(agentImage),
		}
		if images[architecture], err = newImage(architecture, layer, config, agentImage, meta); err != nil {
			return nil, err
		}
	}
	return newSource(images, agentImage, meta), nil
}

// filesOf reads a tree in the order of its names. Of the permissions only
// "executable" counts: the umask of whoever built it must not change a digest.
func filesOf(root fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || path == ".":
			return err
		case d.IsDir():
			files = append(files, file{path + "/", 0o755, nil})
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no regular file", path)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		mode := int64(0o644)
		if info.Mode()&0o100 != 0 {
			mode = 0o755
		}
		content, err := fs.ReadFile(root, path)
		files = append(files, file{path, mode, content})
		return err
	})
	return files, err
}

var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV, "s390x": elf.EM_S390,
}

// checkStatic refuses what could not start in an image that holds nothing else.
func checkStatic(architecture string, content []byte) error {
	machine, known := machines[architecture]
	if !known {
		return fmt.Errorf("no image is made for %q: the architectures are %v", architecture, Architectures)
	}
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("the program for %s is no ELF file: %w", architecture, err)
	}
	defer program.Close()
	if program.Machine != machine {
		return fmt.Errorf("the program for %s is for %s: build it with GOARCH=%s", architecture, program.Machine, architecture)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("the program for %s needs shared libraries: build it with CGO_ENABLED=0", architecture)
		}
	}
	return nil
}
