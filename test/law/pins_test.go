// SPDX-License-Identifier: Apache-2.0

package law

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	floating  = regexp.MustCompile(`(?:@|:)latest\b`)
	baseImage = regexp.MustCompile(`(?m)^FROM (?:--\S+ )?(\S+)`)
	image     = regexp.MustCompile(`[/:.]`) // a stage of the same file has none of these
)

// What is built today must be what is built next year: every version is said.
func TestVersionsArePinned(t *testing.T) {
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	known := make(map[string]bool)
	for name := range strings.FieldsSeq(string(out)) {
		known[name] = true
	}
	for name := range known {
		recipe := strings.Contains(filepath.Base(name), "Containerfile")
		switch ext := filepath.Ext(name); {
		case recipe, ext == ".sh", ext == ".yaml", ext == ".yml", filepath.Base(name) == "Makefile", name == ".ci/run":
			text, err := os.ReadFile(filepath.Join(root, name))
			if os.IsNotExist(err) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if where := floating.Find(text); where != nil {
				t.Errorf("%s says %s: name a version", name, where)
			}
			for _, from := range baseImage.FindAllSubmatch(text, -1) {
				if base := string(from[1]); recipe && image.MatchString(base) && !strings.Contains(base, "@sha256:") && !strings.Contains(base, "$") {
					t.Errorf("%s starts from %s: add its digest", name, base)
				}
			}
		case filepath.Base(name) == "package.json":
			if lock := filepath.Join(filepath.Dir(name), "package-lock.json"); !known[lock] {
				t.Errorf("%s has no package-lock.json", name)
			}
		}
	}
}
