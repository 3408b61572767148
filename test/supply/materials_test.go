// SPDX-License-Identifier: Apache-2.0

package supply

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const root = "../.."

func TestMaterialsAreWhatTheProgramSays(t *testing.T) {
	program := t.TempDir() + "/tcpresume"
	build := exec.Command("go", "build", "-o", program, "./cmd/tcpresume")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bom, err := Materials(program, root+"/bytecode", "v1")
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]int)
	for _, part := range *bom.Components {
		named[part.Name]++
		if part.Type == cdx.ComponentTypeLibrary && part.Version == "" || part.Type == cdx.ComponentTypeFile && part.Hashes == nil {
			t.Errorf("%s has no version and no hash", part.Name)
		}
	}
	listed, err := exec.Command("go", "version", "-m", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(listed)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "dep" && named[words[1]] != 1 {
			t.Errorf("%s is listed %d times", words[1], named[words[1]])
		}
	}
	for _, name := range []string{"std", "bytecode/kernel_bpfel.o", "bytecode/older_bpfel.o"} {
		if named[name] != 1 {
			t.Errorf("%s is listed %d times", name, named[name])
		}
	}
	var text bytes.Buffer
	if err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).Encode(bom); err != nil {
		t.Fatal(err)
	}
	if err := cdx.NewBOMDecoder(&text, cdx.BOMFileFormatJSON).Decode(new(cdx.BOM)); err != nil {
		t.Error(err)
	}
}
