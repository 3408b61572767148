// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// tree is every file below a directory with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		files[name] = info.Mode().String()
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			files[name] += " " + string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLayoutsAreReadBackAndReproducible(t *testing.T) {
	src := bytecodeSource(t)
	for _, tail := range []string{"", ".tar"} {
		dir := t.TempDir()
		a, b := filepath.Join(dir, "a"+tail), filepath.Join(dir, "b"+tail)
		if err := errors.Join(Write(a, src, false), Write(b, src, false)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(tree(t, a), tree(t, b)) {
			t.Errorf("two layouts %s differ", tail)
		}
		if names, _ := os.ReadDir(dir); len(names) != 2 {
			t.Errorf("beside the layouts there is more: %v", names)
		}
		got := must[*Source](t)(Open(a))
		compareSources(t, got, src)
		if report := must[Report](t)(Inspect(got)); report.Problems() != 0 {
			t.Errorf("%+v", report.Findings)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLayoutNamesTheImage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "layout")
	if err := Write(dir, bytecodeSource(t), false); err != nil {
		t.Fatal(err)
	}
	index := must[v1.ImageIndex](t)(layout.ImageIndexFromPath(dir))
	manifest := must[*v1.IndexManifest](t)(index.IndexManifest())
	if len(manifest.Manifests) != 1 || manifest.Manifests[0].Annotations[refName] != "tcpresume-bytecode:v1.2.3" {
		t.Errorf("%+v", manifest)
	}
	for version, want := range map[string]string{"": "latest", "v1": "v1", "5c51d69-dirty": "5c51d69-dirty", "v1+meta data": "v1metadata", "(devel)": "devel", "-.": "latest"} {
		if got := (Meta{Version: version}).tag(); got != want {
			t.Errorf("%q makes the tag %q, want %q", version, got, want)
		}
	}
}

// An archive goes from layout to registry to layout without a changed byte.
func TestCopyThroughAnArchive(t *testing.T) {
	lonely(t)
	server, host := serve(t, "127.0.0.1", newRegistry())
	server.Start()
	archive := filepath.Join(t.TempDir(), "carried.tar")
	if err := Write(archive, bytecodeSource(t), false); err != nil {
		t.Fatal(err)
	}
	carried := must[*Source](t)(Open(archive))
	defer carried.Close()
	if err := (Registry{}).Push(t.Context(), carried, host+"/a:v1", nil); err != nil {
		t.Fatal(err)
	}
	compareSources(t, must[*Source](t)(Registry{}.Open(t.Context(), host+"/a:v1")), bytecodeSource(t))
}

func TestWhatIsInTheWayIsLeftAlone(t *testing.T) {
	src := bytecodeSource(t)
	dir := t.TempDir()
	for _, c := range []struct {
		path    string
		before  map[string]string // files below dir
		replace bool
		ok      bool
	}{
		{"empty", map[string]string{"empty/": ""}, false, true},
		{"mine", map[string]string{"mine/f": "x"}, false, false},
		{"mine2", map[string]string{"mine2/f": "x"}, true, false},
		{"layout", map[string]string{"layout/oci-layout": "{}", "layout/f": "x"}, false, false},
		{"layout2", map[string]string{"layout2/oci-layout": "{}", "layout2/f": "x"}, true, true},
		{"file", map[string]string{"file": "x"}, true, false},
		{"a.tar", map[string]string{"a.tar": "x"}, false, false},
		{"b.tar", map[string]string{"b.tar": "x"}, true, true},
		{"c.tar", map[string]string{"c.tar/oci-layout": "x"}, true, false},
	} {
		for name, text := range c.before {
			if strings.HasSuffix(name, "/") {
				_ = os.Mkdir(filepath.Join(dir, name), 0o755)
				continue
			}
			writeFile(t, filepath.Join(dir, name), text)
		}
		path := filepath.Join(dir, c.path)
		before := tree(t, path)
		err := Write(path, src, c.replace)
		if c.ok {
			if err != nil {
				t.Errorf("%s: %v", c.path, err)
				continue
			}
			written := must[*Source](t)(Open(path))
			compareSources(t, written, src)
			_ = written.Close()
		} else if !errors.Is(err, ErrExists) || !reflect.DeepEqual(tree(t, path), before) {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	if err := Write(filepath.Join(dir, "no", "such"), src, false); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

var errBroken = errors.New("broken on purpose")

// brokenAfter is an image whose layer cannot be read to its end.
type brokenImage struct{ v1.Image }

type brokenLayer struct{ v1.Layer }

func (i brokenImage) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	return []v1.Layer{brokenLayer{layers[0]}}, err
}

func (l brokenLayer) Compressed() (io.ReadCloser, error) {
	r, err := l.Layer.Compressed()
	return io.NopCloser(io.MultiReader(io.LimitReader(r, 100), failing{})), err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

func TestNothingIsLeftHalfWritten(t *testing.T) {
	img := must[v1.Image](t)(bytecodeSource(t).index.Image(must[*v1.IndexManifest](t)(bytecodeSource(t).index.IndexManifest()).Manifests[0].Digest))
	broken := newSource(map[string]v1.Image{"amd64": brokenImage{img}}, bytecodeImage, release)
	for _, name := range []string{"layout", "archive.tar"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := Write(path, broken, false); !errors.Is(err, errBroken) || !strings.HasPrefix(err.Error(), "write "+path+": ") {
			t.Error(err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s leaves %v", name, left)
		}
		if err := Write(path, bytecodeSource(t), false); err != nil {
			t.Fatal(err)
		}
		before := tree(t, dir)
		if err := Write(path, broken, true); !errors.Is(err, errBroken) || !reflect.DeepEqual(tree(t, dir), before) {
			t.Errorf("%s: the one before is gone: %v", name, err)
		}
	}
}

func TestWhatIsNoLayout(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "tmp"))
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(dir, "whole.tar")
	if err := errors.Join(Write(whole, bytecodeSource(t), false), Write(filepath.Join(dir, "lacking"), bytecodeSource(t), false)); err != nil {
		t.Fatal(err)
	}
	packed, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "empty.tar"), "")
	writeFile(t, filepath.Join(dir, "text.tar"), strings.Repeat("no archive ", 100))
	writeFile(t, filepath.Join(dir, "cut.tar"), string(packed[:len(packed)/3]))
	writeFile(t, filepath.Join(dir, "dir", "f"), "x")
	two := must[layout.Path](t)(layout.Write(filepath.Join(dir, "two"), empty.Index))
	for range 2 {
		if err := two.AppendIndex(bytecodeSource(t).index); err != nil {
			t.Fatal(err)
		}
	}
	must[layout.Path](t)(layout.Write(filepath.Join(dir, "none"), empty.Index))
	damaged := filepath.Join(dir, "lacking", "blobs", "sha256", strings.TrimPrefix(must[string](t)(bytecodeSource(t).Digest()), "sha256:"))
	writeFile(t, damaged, string(must[[]byte](t)(os.ReadFile(damaged)))+" ")
	for name, want := range map[string]string{
		"empty.tar": " is no OCI layout: it has no readable index.json",
		"text.tar":  " is no archive of an OCI layout (archive/tar: invalid tar header)",
		"cut.tar":   "unexpected EOF",
		"dir":       " is no OCI layout: it has no readable index.json",
		"two":       " holds 2 images: give a layout with one",
		"none":      " is empty",
		"lacking":   " is damaged: ",
	} {
		_, err := Open(filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), want) || name != "cut.tar" && !errors.Is(err, ErrReference) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("unpacking leaves %v", left)
	}
}

// Names in an archive are not trusted.
func TestArchiveCannotEscape(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(dir, "a", "b"))
	if err := os.MkdirAll(os.TempDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, h := range []*tar.Header{
		{Name: "../../escaped", Size: 1}, {Name: "/escaped", Size: 1}, {Name: "blobs/sha256/../../../../escaped", Size: 1},
		{Name: "blobs/sha256/00", Typeflag: tar.TypeSymlink, Linkname: "../../../escaped"},
	} {
		h.Mode = 0o644
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte("x")[:h.Size])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "evil.tar"), packed.String())
	if _, err := Open(filepath.Join(dir, "evil.tar")); !errors.Is(err, ErrReference) {
		t.Error(err)
	}
	if got := sortedKeys(tree(t, dir)); len(got) != 4 { // ., evil.tar, a, a/b
		t.Errorf("%v", got)
	}
}

// Other tools write the image's own index as that of the layout.
func TestFlatLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "flat")
	must[layout.Path](t)(layout.Write(dir, bytecodeSource(t).index))
	compareSources(t, must[*Source](t)(Open(dir)), bytecodeSource(t))
}
