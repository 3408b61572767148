// SPDX-License-Identifier: Apache-2.0

package law

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tcpresume/tcpresume"

// mayImport lists, for each package, what it may import beyond the standard
// library. Arrows go downward only.
var mayImport = map[string][]string{
	"bytecode":          {"github.com/cilium/ebpf"},
	"internal/calm":     {},
	"internal/sandbox":  {},
	"internal/secret":   {},
	"internal/wall":     {},
	"internal/jsonline": {module + "/internal/textfile"},
	"internal/textfile": {},
	"pkg/resume":        {module + "/internal/jsonline"},
	"pkg/client":        {module + "/pkg/resume"},
	"pkg/pathstore":     {module + "/bytecode", module + "/pkg/resume", "github.com/cilium/ebpf", "golang.org/x/sys/unix"},
	"pkg/loader":        {module + "/bytecode", module + "/pkg/pathstore", "github.com/cilium/ebpf", "github.com/moby/sys/mountinfo", "golang.org/x/sys/unix", module + "/pkg/netns", "github.com/klauspost/compress/zstd", "github.com/ulikunitz/xz"},
	"pkg/image":         {module + "/bytecode", "github.com/cilium/ebpf", "github.com/google/go-containerregistry/pkg/", "github.com/docker/cli/cli/config", "github.com/klauspost/compress/gzip", module + "/internal/textfile"},
	"pkg/agent":         {module + "/internal/wall", module + "/pkg/pathstore", module + "/pkg/resume", "go.yaml.in/yaml/v3", "golang.org/x/sys/unix", module + "/internal/jsonline"},
	"pkg/fleet":         {module + "/internal/", module + "/pkg/pathstore", module + "/pkg/resume", "github.com/nats-io/nats.go", "go.yaml.in/yaml/v3", module + "/internal/jsonline", module + "/internal/textfile"},
	"pkg/metrics":       {module + "/pkg/resume", "github.com/prometheus/client_golang/"},
	"cmd/tcpresume":     {module + "/bytecode", module + "/internal/", module + "/pkg/", "github.com/spf13/", "github.com/schollz/progressbar/v3", "github.com/mattn/go-isatty", "golang.org/x/sys/unix", "golang.org/x/term"},
	"images":            {module + "/pkg/image"},
	"pkg/bpfman":        {module + "/bytecode", module + "/pkg/loader", module + "/pkg/pathstore", "github.com/cilium/ebpf", "golang.org/x/sys/unix", "google.golang.org/protobuf/encoding/protowire", module + "/internal/textfile"},
	"pkg/kube":          {module + "/internal/secret", "go.yaml.in/yaml/v3", module + "/internal/textfile"},
	"pkg/operator":      {module + "/pkg/bpfman", module + "/pkg/kube"},
	"pkg/ask":           {"golang.org/x/sys/unix"},
	"pkg/hostaddr":      {module + "/pkg/netns", "golang.org/x/sys/unix"},
	"pkg/netns":         {"github.com/moby/sys/mountinfo", "golang.org/x/sys/unix"},
	"pkg/revive":        {module + "/pkg/netns", module + "/pkg/pathstore", "golang.org/x/sys/unix"},
	"examples":          {module + "/pkg/ask"},
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestArrowsPointDownward(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		room, ok := roomOf(name)
		if !ok {
			t.Errorf("package %s has no rule: say in mayImport what it may import", name)
			continue
		}
		for _, path := range p.Imports {
			if standardLibrary(path) || strings.HasPrefix(path, p.ImportPath+"/") {
				continue
			}
			if !slices.ContainsFunc(mayImport[room], func(allowed string) bool { return strings.HasPrefix(path, allowed) }) {
				t.Errorf("%s imports %s, against the arrows", name, path)
			}
		}
	}
}

// roomOf finds the rule of a package, or of the room it is in.
func roomOf(name string) (string, bool) {
	for {
		if _, ok := mayImport[name]; ok {
			return name, true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return "", false
		}
		name = name[:i]
	}
}

func standardLibrary(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
