// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
)

func TestCRDsComeFromTheFolderThatIsNamed(t *testing.T) {
	named, beside := t.TempDir(), filepath.Join(t.TempDir(), besideProject)
	check.Must(t, os.MkdirAll(beside, 0o755))
	for _, dir := range []string{named, beside} {
		for _, name := range crdFiles {
			check.Must(t, os.WriteFile(filepath.Join(dir, name), []byte("kind: CustomResourceDefinition\n"), 0o600))
		}
	}
	project := filepath.Join(filepath.Dir(filepath.Dir(beside)), "project")
	for _, c := range []struct{ env, want string }{{named, named}, {"", beside}} {
		t.Setenv(CRDsEnv, c.env)
		got, err := FindCRDs(t.Context(), project, t.TempDir())
		check.Must(t, err)
		check.Same(t, "folder with "+CRDsEnv+"="+c.env, got, c.want)
	}
}

func TestFolderWithoutCRDsIsRefusedByName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(CRDsEnv, dir)
	_, err := FindCRDs(t.Context(), t.TempDir(), t.TempDir())
	if err == nil || !strings.HasPrefix(err.Error(), "CRDS="+dir+": no CRD of bpfman-operator: ") {
		t.Errorf("got %v", err)
	}
}

// TestMissingCRDsSayWhatToDo stands for a machine that reaches no place but the
// package registries.
func TestMissingCRDsSayWhatToDo(t *testing.T) {
	t.Setenv(CRDsEnv, "")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // nobody listens there
	_, err := FindCRDs(t.Context(), filepath.Join(t.TempDir(), "project"), t.TempDir())
	if err == nil || !strings.HasSuffix(err.Error(), "; CRDS=dir names a folder that holds them") {
		t.Errorf("got %v", err)
	}
}
