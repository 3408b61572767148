// SPDX-License-Identifier: Apache-2.0

package supply

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// licence of the BPF objects, as their sources say.
const objectLicence = "GPL-2.0-only OR BSD-2-Clause"

// Materials lists what a built program is made of, as CycloneDX has it: the
// modules that were linked, by what the program itself says, the standard
// library, and the BPF objects that are embedded in it. Equal programs give
// equal lists.
func Materials(program, bytecode, version string) (*cdx.BOM, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; make build", program, err)
	}
	digest, err := digestOf(program)
	if err != nil {
		return nil, err
	}
	root := cdx.Component{
		BOMRef: "pkg:golang/" + info.Main.Path, Type: cdx.ComponentTypeApplication, Name: filepath.Base(program), Version: version,
		PackageURL: "pkg:golang/" + info.Main.Path, Hashes: digest,
		Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}
	parts := []cdx.Component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, module := range info.Deps {
		parts = append(parts, linked(module))
	}
	objects, err := objectsIn(bytecode, info)
	if err != nil {
		return nil, err
	}
	parts = append(parts, objects...)
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(digest)
	bom.Metadata = &cdx.Metadata{Component: &root}
	bom.Components = &parts
	bom.Dependencies = &[]cdx.Dependency{{Ref: root.BOMRef, Dependencies: refs(parts)}}
	return bom, nil
}

func linked(module *debug.Module) cdx.Component {
	if module.Replace != nil {
		module = module.Replace
	}
	return library(module.Path, module.Version, module.Sum)
}

func library(name, version, sum string) cdx.Component {
	purl := "pkg:golang/" + name + "@" + version
	part := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl}
	if sum != "" { // go.sum's hash is over a tree, so it is no hash of a file
		part.Properties = &[]cdx.Property{{Name: "go.sum", Value: sum}}
	}
	return part
}

// objectsIn are the BPF objects for the program's byte order.
func objectsIn(dir string, info *buildinfo.BuildInfo) (parts []cdx.Component, _ error) {
	order := "bpfel"
	for _, s := range info.Settings {
		if s.Key == "GOARCH" && slices.Contains([]string{"s390x", "ppc64", "mips", "mips64"}, s.Value) {
			order = "bpfeb"
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*_"+order+".o"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("no BPF objects in %s: %w", dir, err)
	}
	for _, path := range found {
		if strings.HasPrefix(filepath.Base(path), "check_") {
			continue // for tests only
		}
		digest, err := digestOf(path)
		if err != nil {
			return nil, err
		}
		name := "bytecode/" + filepath.Base(path)
		parts = append(parts, cdx.Component{BOMRef: name, Type: cdx.ComponentTypeFile, Name: name, Hashes: digest,
			Licenses: &cdx.Licenses{{Expression: objectLicence}}})
	}
	return parts, nil
}

func digestOf(path string) (*[]cdx.Hash, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, file); err != nil {
		return nil, err
	}
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(digest.Sum(nil))}}, nil
}

// serial is a UUID made of the program's digest (RFC 9562 section 5.8), so that it is no matter of time.
func serial(digest *[]cdx.Hash) string {
	raw, _ := hex.DecodeString((*digest)[0].Value)
	raw[6], raw[8] = raw[6]&0x0f|0x80, raw[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:16])
}

func refs(parts []cdx.Component) *[]string {
	var all []string
	for _, part := range parts {
		all = append(all, part.BOMRef)
	}
	return &all
}
