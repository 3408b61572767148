// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/tcpresume/tcpresume/pkg/image"
)

// newRegistry starts a registry on this machine, as HOST:PORT, and hides the
// credentials of whoever runs the test.
func newRegistry(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG"} {
		t.Setenv(name, t.TempDir())
	}
	t.Setenv("REGISTRY_AUTH_FILE", "")
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func decode[T any](t *testing.T, args ...string) T {
	t.Helper()
	code, stdout, stderr := tcpresume(t, "", append(args, "-o", "json")...)
	var v T
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || code != 0 || stderr != "" {
		t.Fatalf("%v: exit %d, %v, stderr %q, stdout %q", args, code, err, stderr, stdout)
	}
	return v
}

// An image is the same whether it is pushed, or built, carried and pushed.
func TestImageIsBuiltPushedAndInspected(t *testing.T) {
	host, dir := newRegistry(t), t.TempDir()
	var digests []string
	for _, path := range []string{filepath.Join(dir, "layout"), filepath.Join(dir, "image.tar")} {
		built := decode[builtView](t, "image", "build", path)
		pushed := decode[pushedView](t, "image", "push", host+"/a/b:v1", "--from", path)
		want := pushedView{Reference: host + "/a/b:v1", Pinned: host + "/a/b@" + built.Digest, Summary: built.Summary}
		if fmt.Sprint(pushed) != fmt.Sprint(want) {
			t.Errorf("pushed\n got %+v\nwant %+v", pushed, want)
		}
		digests = append(digests, built.Digest)
		for _, where := range []string{path, host + "/a/b:v1", pushed.Pinned} {
			report := decode[image.Report](t, "image", "inspect", where)
			if report.Digest != built.Digest || len(report.Images) != len(image.Architectures) || report.Problems() != 0 {
				t.Errorf("%s: %+v", where, report)
			}
		}
	}
	digests = append(digests, decode[pushedView](t, "image", "push", host+"/c:v1").Digest)
	if digests[0] != digests[1] || digests[0] != digests[2] {
		t.Errorf("digests differ: %v", digests)
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "tcpresume-image-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestImageDigestFollowsTheEpoch(t *testing.T) {
	dir := t.TempDir()
	digest := func(epoch string) string {
		t.Setenv(envEpoch, epoch)
		return decode[builtView](t, "image", "build", filepath.Join(dir, "i.tar"), "--replace").Digest
	}
	if a, b, c := digest(""), digest("0"), digest("1700000000"); a != b || a == c {
		t.Errorf("digests %s, %s, %s", a, b, c)
	}
	t.Setenv(envEpoch, "now")
	if code, _, stderr := tcpresume(t, "", "image", "build", filepath.Join(dir, "j.tar")); code != exitInput || stderr != "tcpresume: SOURCE_DATE_EPOCH is \"now\": give seconds since 1970\n" {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestImageLabels(t *testing.T) {
	labels := decode[map[string]string](t, "image", "labels")
	programs, maps := labels[image.LabelPrograms], labels[image.LabelMaps]
	for form, want := range map[string][]string{
		"lines":      {"io.ebpf.programs=" + programs, "io.ebpf.maps=" + maps},
		"labels":     {"--label", "io.ebpf.programs=" + programs, "--label", "io.ebpf.maps=" + maps},
		"build-args": {"--build-arg", "PROGRAMS=" + programs, "--build-arg", "MAPS=" + maps, "--build-arg", "VERSION=" + thisVersion().Version, "--build-arg", "REVISION=" + thisVersion().Revision},
	} {
		code, stdout, stderr := tcpresume(t, "", "image", "labels", "--as", form)
		if got := strings.Fields(stdout); code != 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: exit %d, %s\n got %q\nwant %q", form, code, stderr, got, want)
		}
	}
	ofFile := decode[map[string]string](t, "image", "labels", "--object", "../../bytecode/kernel_bpfeb.o")
	if fmt.Sprint(ofFile) != fmt.Sprint(labels) {
		t.Errorf("the big-endian object: %v, want %v", ofFile, labels)
	}
}

func TestImageErrorLines(t *testing.T) {
	host, dir := newRegistry(t), t.TempDir()
	layout, archive := filepath.Join(dir, "layout"), filepath.Join(dir, "a.tar")
	decode[builtView](t, "image", "build", layout)
	if err := os.WriteFile(archive, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		line string
	}{
		{"image build", 2, `PATH is missing: write "tcpresume image build PATH"; see "tcpresume image build --help"`},
		{"image build " + layout, 2, layout + " exists already; --replace puts the new one in its place"},
		{"image build " + dir + " --replace", 1, dir + " exists already, and is no OCI layout: it is left alone"},
		{"image build /nowhere/x", 1, "stat /nowhere: no such file or directory"},
		{"image build " + dir + "/b --object " + archive, 2, archive + ": not a BPF object: not an ELF file"},
		{"image build " + dir + "/b --object /nowhere", 2, "open /nowhere: no such file or directory"},
		{"image build " + dir + "/b --object ../../bytecode/kernel_bpfel.o --object ../../bytecode/kernel_bpfel.o", 2, "two objects are little-endian: give one for each byte order"},
		{"image push a/b:v1", 2, `not an image: "a/b:v1" does not begin with the host of a registry, as in ghcr.io/tcpresume/bytecode:v1`},
		{"image push " + host + "/a:v1 --from " + archive, 2, "not an image: " + archive + " is no archive of an OCI layout (unexpected EOF)"},
		{"image push " + host + "/a:v1 --from /nowhere", 2, "stat /nowhere: no such file or directory"},
		{"image inspect " + host + "/gone:v1", 4, "no such image: " + host + "/gone:v1 (404 Not Found, NAME_UNKNOWN: Unknown name)"},
		{"image inspect nowhere.tar", 2, "stat nowhere.tar: no such file or directory"},
		{"image inspect " + dir, 2, "not an image: " + dir + " is no OCI layout: it has no readable index.json"},
		{"image labels --as json", 2, `--as: "json" is not a form: use lines, labels, build-args`},
		{"image bild", 2, `"bild" is not a verb of tcpresume image: did you mean build?`},
	} {
		code, stdout, stderr := tcpresume(t, "", strings.Fields(c.args)...)
		if want := "tcpresume: " + c.line + "\n"; code != c.code || stderr != want || stdout != "" {
			t.Errorf("tcpresume %s\n  exit %d, want %d\n  stderr %q\n  want   %q\n  stdout %q", c.args, code, c.code, stderr, want, stdout)
		}
	}
}

func TestImageExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		fmt.Errorf("x: %w", image.ErrDenied):   exitRights,
		fmt.Errorf("x: %w", image.ErrNotFound): exitNotFound,
		imageInput(image.ErrReference):         exitInput,
		fmt.Errorf("x: %w", image.ErrExists):   exitError,
	} {
		if got := exitCode(err); got != want || strings.Contains(errorLine(err), "as root") {
			t.Errorf("%v: exit %d, want %d", err, got, want)
		}
	}
	for reference, want := range map[string]string{
		"h:5000/a":                "h:5000/a@sha256:d",
		"h:5000/a:v1":             "h:5000/a@sha256:d",
		"h/a:v1@sha256:e":         "h/a@sha256:d",
		"[::1]:5000/a/b@sha256:e": "[::1]:5000/a/b@sha256:d",
	} {
		if got := pinned(reference, "sha256:d"); got != want {
			t.Errorf("%s is pinned as %s, want %s", reference, got, want)
		}
	}
}

func TestReportText(t *testing.T) {
	report := image.Report{
		Name:    "h/a:v1",
		Summary: image.Summary{Digest: "sha256:d", Platforms: []string{"linux/amd64", "linux/s390x"}, Bytes: 47_100},
		Images: []image.Image{
			{Platform: "linux/amd64", File: "t.bpf.o", Bytes: 60_376, Order: image.LittleEndian},
			{Platform: "linux/s390x", File: "t.bpf.o", Bytes: 60_376, Order: image.LittleEndian, Refusals: map[image.Generation]string{image.Bpfman06: "x", image.BpfmanGo: "x"}},
		},
		Findings: []image.Finding{
			{Check: "layer", Status: image.OK, Platforms: []string{"linux/amd64", "linux/s390x"}, Detail: "one"},
			{Check: "object", Status: image.Problem, Platforms: []string{"linux/s390x"}, Detail: "is little-endian", Remedy: "build it again"},
		},
	}
	want := `image:      h/a:v1
digest:     sha256:d
platforms:  linux/amd64, linux/s390x
size:       47.1 kB

PLATFORM     FILE     SIZE     BYTE-ORDER     BPFMAN-0.6  BPFMAN-GO
linux/amd64  t.bpf.o  60.4 kB  little-endian  loads       loads
linux/s390x  t.bpf.o  60.4 kB  little-endian  refuses     refuses

CHECK   STATUS   DETAIL
layer   ok       one
object  problem  s390x: is little-endian
                 -> build it again
`
	var out strings.Builder
	if err := printReport(&out, report); err != nil || out.String() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, out.String(), want)
	}
}

// A wrong image is told by the exit code, after the report.
func TestInspectFailsOnAProblem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one")
	decode[builtView](t, "image", "build", path, "--object", "../../bytecode/check_bpfel.o")
	code, stdout, stderr := tcpresume(t, "", "image", "inspect", path)
	if code != 0 || !strings.Contains(stdout, "nothing for s390x") || !strings.Contains(stdout, "another than that of this tcpresume") {
		t.Errorf("exit %d, %s\n%s", code, stderr, stdout)
	}
	layers, err := filepath.Glob(filepath.Join(path, "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, layer := range layers { // the one that is no JSON
		if content, _ := os.ReadFile(layer); len(content) > 0 && content[0] != '{' {
			if err := os.WriteFile(layer, content[:100], 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	code, stdout, stderr = tcpresume(t, "", "image", "inspect", path)
	if code != exitError || stderr != "tcpresume: 1 problem found; the remedies are named above\n" || !strings.Contains(stdout, "the layer is damaged") {
		t.Errorf("exit %d, %s\n%s", code, stderr, stdout)
	}
}
