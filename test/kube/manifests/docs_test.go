// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

var shellBlock = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

// A page whose commands are run stays right.
func TestTheCommandsOfThePage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/kubernetes.md")
	if err != nil {
		t.Fatal(err)
	}
	own, err := cluster.Start(t.Context()) // the page deletes a namespace, which only a controller could finish
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, args := range [][]string{
		{"create", "-f", "testdata/config-crd.yaml"},
		{"wait", "--for=condition=Established", "--timeout=60s", "crd/configs.bpfman.io"},
		{"create", "-f", "testdata/config.yaml"},
	} {
		if _, err := own.Kubectl(t.Context(), "", args...); err != nil {
			t.Fatal(err)
		}
	}
	root := t.TempDir() // a copy, as a command writes into the tree
	if err := os.CopyFS(filepath.Join(root, "manifests"), os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	blocks := shellBlock.FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks of commands", len(blocks))
	}
	for _, block := range blocks {
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", block[1])
		cmd.Dir, cmd.Env = root, own.Environ()
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "Warning:") {
			t.Errorf("%s\nsays (%v):\n%s", block[1], err, out)
		}
	}
}
