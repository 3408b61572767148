// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// nobody is the user that distroless images call nonroot. Most verbs need no
// more; what loads BPF is started as another user, with capabilities.
const nobody = "65532:65532"

// Agent makes the image of the tcpresume program: an index with one static
// binary for each architecture, the licence texts and nothing else.
func Agent(binaries map[string][]byte, licences map[string][]byte, meta Meta) (*Source, error) {
	if len(binaries) == 0 {
		return nil, errors.New("no binary: an image needs at least one")
	}
	images := make(map[string]v1.Image)
	for _, architecture := range sortedKeys(binaries) {
		if err := checkStatic(architecture, binaries[architecture]); err != nil {
			return nil, err
		}
		files := []file{{"usr/", 0o755, nil}, {"usr/bin/", 0o755, nil}, {"usr/bin/tcpresume", 0o755, binaries[architecture]}}
		files = append(files, file{"usr/share/", 0o755, nil}, file{"usr/share/doc/", 0o755, nil}, file{"usr/share/doc/tcpresume/", 0o755, nil})
		for _, name := range sortedKeys(licences) {
			files = append(files, file{"usr/share/doc/tcpresume/" + name, 0o644, licences[name]})
		}
		layer, err := newLayer(files, meta.created())
		if err != nil {
			return nil, err
		}
		config := v1.Config{
			Entrypoint: []string{"/usr/bin/tcpresume"},
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

var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "ppc64le": elf.EM_PPC64, "riscv64": elf.EM_RISCV, "s390x": elf.EM_S390,
}

// checkStatic refuses what could not start in an image that holds nothing else.
func checkStatic(architecture string, binary []byte) error {
	machine, known := machines[architecture]
	if !known {
		return fmt.Errorf("no image is made for %q: the architectures are %v", architecture, Architectures)
	}
	program, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		return fmt.Errorf("the binary for %s is no ELF file: %w", architecture, err)
	}
	defer program.Close()
	if program.Machine != machine {
		return fmt.Errorf("the binary for %s is for %s: build it with GOARCH=%s", architecture, program.Machine, architecture)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return fmt.Errorf("the binary for %s needs shared libraries: build it with CGO_ENABLED=0", architecture)
		}
	}
	return nil
}
