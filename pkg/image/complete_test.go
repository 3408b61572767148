// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// of returns the entry of the image for an architecture.
func of(t *testing.T, src *Source, architecture string) v1.Descriptor {
	t.Helper()
	all := must[*v1.IndexManifest](t)(src.index.IndexManifest()).Manifests
	return all[slices.IndexFunc(all, func(d v1.Descriptor) bool { return d.Platform.Architecture == architecture })]
}

// inspected returns what Inspect says of the index, in one text, beside the report.
func inspected(t *testing.T, src *Source) (said string, report Report) {
	t.Helper()
	report = must[Report](t)(Inspect(src))
	for _, f := range report.Findings {
		if f.Check == "index" {
			said += string(f.Status) + ": " + f.Detail + "\n"
		}
	}
	return said, report
}

// Copies of one platform and "docker save" leave an index that names more than there is.
func TestIncompleteLayouts(t *testing.T) {
	lonely(t)
	server, host := serve(t, "127.0.0.1", newRegistry())
	server.Start()
	whole := bytecodeSource(t)
	s390x := of(t, whole, "s390x")
	manifest := must[*v1.Manifest](t)(must[v1.Image](t)(whole.index.Image(s390x.Digest)).Manifest())
	for what, gone := range map[string]v1.Hash{"manifest": s390x.Digest, "configuration": manifest.Config.Digest, "layer": manifest.Layers[0].Digest} {
		dir := filepath.Join(t.TempDir(), "layout")
		if err := errors.Join(Write(dir, whole, false), os.Remove(filepath.Join(dir, "blobs", gone.Algorithm, gone.Hex))); err != nil {
			t.Fatal(err)
		}
		src := must[*Source](t)(Open(dir))
		said, report := inspected(t, src)
		if !strings.Contains(said, "problem: ") || !strings.Contains(said, "linux/s390x") || !strings.Contains(said, "incomplete") || strings.Contains(said, dir+"/blobs") {
			t.Errorf("%s: inspect says\n%s", what, said)
		}
		if len(report.Images) != len(Architectures)-1 || slices.Contains(report.Platforms, "linux/s390x") || !slices.Equal(report.Missing, []string{"linux/s390x"}) {
			t.Errorf("%s: %d images judged, %v, missing %v", what, len(report.Images), report.Platforms, report.Missing)
		}
		err := Registry{}.Push(t.Context(), src, host+"/part:v1", nil)
		if !errors.Is(err, ErrIncomplete) || !errors.Is(err, ErrReference) || !strings.Contains(err.Error(), "linux/s390x") {
			t.Errorf("%s: push: %v", what, err)
		}
		if _, err := (Registry{}).Open(t.Context(), host+"/part:v1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: something was pushed: %v", what, err)
		}
	}
	dir := filepath.Join(t.TempDir(), "layout")
	index := must[v1.Hash](t)(whole.index.Digest())
	if err := errors.Join(Write(dir, whole, false), os.Remove(filepath.Join(dir, "blobs", index.Algorithm, index.Hex))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrIncomplete) || !errors.Is(err, ErrReference) {
		t.Errorf("without its index: %v", err)
	}
}

// A registry may hold an index without all of its images, too.
func TestIncompleteRegistries(t *testing.T) {
	lonely(t)
	src := bytecodeSource(t)
	gone := of(t, src, "s390x").Digest.String()
	all := newRegistry()
	server, host := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, gone) && (r.Method == http.MethodGet) {
			http.NotFound(w, r)
			return
		}
		all.ServeHTTP(w, r)
	}))
	server.Start()
	if err := (Registry{}).Push(t.Context(), src, host+"/a:v1", nil); err != nil {
		t.Fatal(err)
	}
	said, report := inspected(t, must[*Source](t)(Registry{}.Open(t.Context(), host+"/a:v1")))
	if !strings.Contains(said, "linux/s390x") || len(report.Images) != len(Architectures)-1 {
		t.Errorf("inspect judges %d images and says\n%s", len(report.Images), said)
	}
}

// buildx adds provenance to an index, as an image for no machine.
func TestAttestationsAreNoPlatforms(t *testing.T) {
	lonely(t)
	server, host := serve(t, "127.0.0.1", newRegistry())
	server.Start()
	whole := bytecodeSource(t)
	attestation := must[v1.Image](t)(mutate.ConfigFile(recipe{layers: []v1.Layer{layerOf(regular("provenance.json", []byte("{}")))}}.image(t), &v1.ConfigFile{OS: "unknown", Architecture: "unknown"}))
	for what, d := range map[string]v1.Descriptor{
		"of buildx":            {Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}},
		"without annotations":  {Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}},
		"without its platform": {Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}},
	} {
		d.MediaType = types.OCIManifestSchema1
		src := &Source{Name: "tcpresume-bytecode", index: mutate.AppendManifests(whole.index, mutate.IndexAddendum{Add: attestation, Descriptor: d})}
		dir := filepath.Join(t.TempDir(), "layout")
		if err := Write(dir, src, false); err != nil {
			t.Fatal(err)
		}
		written := must[*Source](t)(Open(dir))
		want := must[Summary](t)(whole.Summary())
		said, report := inspected(t, written)
		if !slices.Equal(report.Platforms, want.Platforms) || report.Problems() != 0 || strings.Contains(said, "warning") {
			t.Errorf("%s: platforms %v, inspect says\n%s", what, report.Platforms, said)
		}
		if err := (Registry{}).Push(t.Context(), written, host+"/a:v1", nil); err != nil {
			t.Errorf("%s: push: %v", what, err)
		}
		blob := must[v1.Hash](t)(attestation.Digest())
		if err := os.Remove(filepath.Join(dir, "blobs", blob.Algorithm, blob.Hex)); err != nil { // as "docker save" does
			t.Fatal(err)
		}
		if said, report := inspected(t, written); report.Problems() != 0 {
			t.Errorf("%s, missing: inspect says\n%s", what, said)
		}
		if err := (Registry{}).Push(t.Context(), written, host+"/a:v2", nil); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "attestation") {
			t.Errorf("%s, missing: push: %v", what, err)
		}
	}
}
