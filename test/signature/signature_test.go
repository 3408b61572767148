// SPDX-License-Identifier: Apache-2.0

package signature

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/tcpresume/tcpresume/test/check"
)

// bench is a registry and a pair of keys.
type bench struct {
	cosign, dir, host string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{cosign: os.Getenv("TCPRESUME_COSIGN"), dir: t.TempDir()}
	if b.cosign == "" {
		t.Fatal(`TCPRESUME_COSIGN names no cosign: run "make test-signature"`)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	b.host = strings.TrimPrefix(server.URL, "http://")
	b.keys(t, "ours")
	return b
}

func (b *bench) keys(t *testing.T, name string) {
	t.Helper()
	b.must(t, "generate-key-pair", "--output-key-prefix", name)
}

// run calls cosign where nothing but the registry can be reached by its words.
func (b *bench) run(args ...string) (string, error) {
	cmd := exec.Command(b.cosign, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "HOME="+b.dir)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *bench) must(t *testing.T, args ...string) {
	t.Helper()
	if out, err := b.run(args...); err != nil {
		t.Fatalf("cosign %v: %v\n%s", args, err, out)
	}
}

func (b *bench) verify(key, image string) (string, error) {
	return b.run("verify", "--key", key+".pub", "--insecure-ignore-tlog", "--allow-http-registry", image)
}

var digest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)

// push pushes the image of the BPF objects, made at a time, and returns its reference by digest.
func (b *bench) push(t *testing.T, epoch string) string {
	t.Helper()
	name := b.host + "/tcpresume"
	cmd := exec.Command("../../bin/tcpresume", "image", "push", name+":v1")
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+epoch)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("image push: %v\n%s", err, out)
	}
	return name + "@" + digest.FindString(string(out))
}

func TestASignedImageIsVerified(t *testing.T) {
	b := newBench(t)
	signed := b.push(t, "0")
	if out, err := b.verify("ours", signed); err == nil || !strings.Contains(out, "no signatures found") {
		t.Errorf("unsigned: %v\n%s", err, out)
	}
	b.must(t, "sign", "--key", "ours.key", "--tlog-upload=false", "--allow-http-registry", "--yes", signed)
	if out, err := b.verify("ours", signed); err != nil {
		t.Errorf("signed: %v\n%s", err, out)
	}
	t.Run("by another key", func(t *testing.T) {
		b.keys(t, "others")
		if out, err := b.verify("others", signed); err == nil {
			t.Errorf("it was accepted:\n%s", out)
		}
	})
	t.Run("another image under the tag", func(t *testing.T) {
		other := b.push(t, "1")
		if other == signed {
			t.Fatal("the image of another time has the same digest")
		}
		if out, err := b.verify("ours", b.host+"/tcpresume:v1"); err == nil {
			t.Errorf("it was accepted:\n%s", out)
		}
		if out, err := b.verify("ours", signed); err != nil {
			t.Errorf("the signed one, by digest: %v\n%s", err, out)
		}
	})
	// The signature lies beside the image, under a tag of its own.
	out, err := exec.Command("../../bin/tcpresume", "image", "inspect", signed).CombinedOutput()
	check.Must(t, err)
	if !strings.Contains(string(out), digest.FindString(signed)) {
		t.Errorf("inspect says\n%s", out)
	}
}
