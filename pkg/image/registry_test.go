// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// hasty repeats failed requests at once.
var hasty = remote.Backoff{Duration: time.Millisecond, Factor: 1, Steps: 2}

func newRegistry() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

// lonely hides the credentials of whoever runs the test.
func lonely(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, name := range []string{"HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(name, home)
	}
	for _, name := range []string{envAuthFile, "DOCKER_CONFIG", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, "")
	}
	return home
}

// serve starts a registry on a loopback address and returns HOST:PORT.
func serve(t *testing.T, address string, handler http.Handler) (*httptest.Server, string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if address != "127.0.0.1" {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Fatal(err)
		}
		server.Listener.Close()
		server.Listener = listener
	}
	t.Cleanup(server.Close)
	return server, server.Listener.Addr().String()
}

func caOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, append([]byte("\ufeff"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPushAndOpen(t *testing.T) {
	lonely(t)
	for _, address := range []string{"127.0.0.1", "::1"} {
		for _, secure := range []bool{false, true} {
			server, host := serve(t, address, newRegistry())
			var reach Registry
			if server.Start(); secure {
				server.Close()
				server, host = serve(t, address, newRegistry())
				server.StartTLS()
				reach.CA = caOf(t, server)
			}
			src := bytecodeSource(t)
			var reported []int64
			if err := reach.Push(t.Context(), src, host+"/a/b:v1", func(done int64) { reported = append(reported, done) }); err != nil {
				t.Fatalf("%s, TLS %v: %v", address, secure, err)
			}
			checkProgress(t, src, reported)
			digest := must[string](t)(src.Digest())
			for _, reference := range []string{host + "/a/b:v1", host + "/a/b@" + digest} {
				got, err := reach.Open(t.Context(), reference)
				if err != nil {
					t.Fatalf("%s, TLS %v: %v", address, secure, err)
				}
				compareSources(t, got, src)
				report := must[Report](t)(Inspect(got))
				if warned := report.Findings[0].Check == "registry"; warned == secure || report.Problems() != 0 {
					t.Errorf("%s, TLS %v: findings %+v", address, secure, report.Findings)
				}
			}
		}
	}
}

func checkProgress(t *testing.T, src *Source, reported []int64) {
	t.Helper()
	sum := must[Summary](t)(src.Summary())
	for i := 1; i < len(reported); i++ {
		if reported[i] < reported[i-1] {
			t.Errorf("progress goes back: %v", reported)
		}
	}
	if len(reported) == 0 || reported[len(reported)-1] != sum.Bytes {
		t.Errorf("progress ends at %v of %d bytes", reported, sum.Bytes)
	}
}

// compareSources compares every manifest, config and layer, byte by byte.
func compareSources(t *testing.T, got, want *Source) {
	t.Helper()
	if g, w := flatten(t, got), flatten(t, want); !reflect.DeepEqual(g, w) {
		t.Errorf("got\n%q\nwant\n%q", g, w)
	}
}

func flatten(t *testing.T, src *Source) map[string]string {
	t.Helper()
	all := map[string]string{"manifest": string(must[[]byte](t)(src.described().RawManifest()))}
	for _, d := range must[*v1.IndexManifest](t)(src.index.IndexManifest()).Manifests {
		img := must[v1.Image](t)(src.index.Image(d.Digest))
		all[d.Digest.String()] = string(must[[]byte](t)(img.RawManifest()))
		all[d.Digest.String()+" config"] = string(must[[]byte](t)(img.RawConfigFile()))
		for _, layer := range must[[]v1.Layer](t)(img.Layers()) {
			all[must[v1.Hash](t)(layer.Digest()).String()] = string(must[[]byte](t)(readAll(layer.Compressed, maxLayer)))
		}
	}
	return all
}

func TestWhatRegistriesAnswer(t *testing.T) {
	lonely(t)
	plain, host := serve(t, "127.0.0.1", newRegistry())
	plain.Start()
	secure, secureHost := serve(t, "127.0.0.1", newRegistry())
	secure.StartTLS()
	gone, goneHost := serve(t, "127.0.0.1", newRegistry())
	gone.Start()
	gone.Close()
	page, pageHost := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "<html>a proxy's page</html>", http.StatusTeapot)
	}))
	page.Start()
	noPEM := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		reach     Registry
		reference string
		is        error
		want      string
	}{
		{Registry{}, host + "/a/b:v1", ErrNotFound, "no such image: " + host + "/a/b:v1 (404 Not Found, NAME_UNKNOWN: Unknown name)"},
		{Registry{}, "a/b:v1", ErrReference, `not an image: "a/b:v1" does not begin with the host of a registry, as in ghcr.io/tcpresume/bytecode:v1`},
		{Registry{}, "bytecode", ErrReference, `not an image: "bytecode" does not begin with the host of a registry, as in ghcr.io/tcpresume/bytecode:v1`},
		{Registry{}, "https://ghcr.io/a:v1", ErrReference, `not an image: "https://ghcr.io/a:v1" has a scheme in front, write ghcr.io/a:v1`},
		{Registry{}, host + "/A:v1", ErrReference, `not an image: "` + host + `/A:v1"; write HOST/NAME:TAG or HOST/NAME@sha256:DIGEST`},
		{Registry{}, host + "/a@sha256:12", ErrReference, `not an image: "` + host + `/a@sha256:12"; write HOST/NAME:TAG or HOST/NAME@sha256:DIGEST`},
		{Registry{}, secureHost + "/a:v1", nil, secureHost + "/a:v1: no known authority signed the registry's certificate: name its own with --ca"},
		{Registry{CA: noPEM}, secureHost + "/a:v1", nil, noPEM + " holds no certificate in PEM form"},
		{Registry{CA: "/nowhere"}, secureHost + "/a:v1", os.ErrNotExist, "open /nowhere: no such file or directory"},
		{Registry{}, goneHost + "/a:v1", nil, goneHost + "/a:v1: no registry answers at " + goneHost + ": connection refused"},
		{Registry{}, pageHost + "/a:v1", nil, pageHost + "/a:v1: the registry answers 418 I'm a teapot"},
	} {
		c.reach.backoff = hasty
		_, err := c.reach.Open(t.Context(), c.reference)
		if err == nil || err.Error() != c.want || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// Beyond this machine nothing goes out in the clear, whatever answers there.
func TestPlainHTTPIsAskedFor(t *testing.T) {
	home := lonely(t)
	if err := os.WriteFile(filepath.Join(home, "auth.json"), []byte(`{"auths":{"10.1.2.3:5000":{"auth":"dTpw"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(envAuthFile, filepath.Join(home, "auth.json"))
	var requests, passwords atomic.Int32
	handler := newRegistry()
	server, host := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if _, _, ok := r.BasicAuth(); ok {
			passwords.Add(1)
		} else {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	server.Start()
	reach := Registry{backoff: hasty, dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, host)
	}}
	err := reach.Push(t.Context(), bytecodeSource(t), "10.1.2.3:5000/a:v1", nil)
	if !errors.Is(err, errPlainHTTP) || !strings.Contains(err.Error(), "--plain-http allows it") || requests.Load() != 0 {
		t.Errorf("%d requests, %v", requests.Load(), err)
	}
	reach.PlainHTTP = true
	if err := reach.Push(t.Context(), bytecodeSource(t), "10.1.2.3:5000/a:v1", nil); err != nil || passwords.Load() == 0 {
		t.Errorf("%d passwords, %v", passwords.Load(), err)
	}
}

// dying breaks every connection from some upload on, and lets none in.
type dying struct {
	http.Handler
	uploads atomic.Int32
	after   atomic.Int32
}

func (d *dying) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPatch || r.Method == http.MethodPut {
		d.uploads.Add(1)
	}
	if d.uploads.Load() >= d.after.Load() {
		_, _ = io.CopyN(io.Discard, r.Body, 100) // it dies in the midst of a body
		panic(http.ErrAbortHandler)
	}
	d.Handler.ServeHTTP(w, r)
}

func TestRegistryDiesInTheMidstOfAPush(t *testing.T) {
	lonely(t)
	mortal := &dying{Handler: newRegistry()}
	mortal.after.Store(1 << 30)
	server, host := serve(t, "127.0.0.1", mortal)
	server.Start()
	reach := Registry{backoff: hasty}
	before := must[*Source](t)(Bytecode(builtIn(t), Meta{Version: "v0"}))
	if err := reach.Push(t.Context(), before, host+"/a:v1", nil); err != nil {
		t.Fatal(err)
	}
	uploads, brokeOff := mortal.uploads.Load(), false
	for after := range uploads {
		mortal.uploads.Store(0)
		mortal.after.Store(after)
		if after == 0 {
			mortal.after.Store(1)
		}
		err := reach.Push(t.Context(), bytecodeSource(t), host+"/a:v1", nil)
		if err == nil { // what arrived in earlier rounds need not be sent again
			break
		}
		brokeOff = brokeOff || strings.Contains(err.Error(), "; the push broke off after ")
		if !strings.HasPrefix(err.Error(), host+"/a:v1: ") {
			t.Errorf("%v", err)
		}
		mortal.after.Store(1 << 30)
		compareSources(t, must[*Source](t)(reach.Open(t.Context(), host+"/a:v1")), before)
	}
	if !brokeOff {
		t.Error("no push broke off after its first byte")
	}
	mortal.after.Store(1 << 30)
	if err := reach.Push(t.Context(), bytecodeSource(t), host+"/a:v1", nil); err != nil {
		t.Fatal(err)
	}
	compareSources(t, must[*Source](t)(reach.Open(t.Context(), host+"/a:v1")), bytecodeSource(t))
}

func TestPushIsInterrupted(t *testing.T) {
	lonely(t)
	ctx, cancel := context.WithCancel(t.Context())
	handler := newRegistry()
	server, host := serve(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			cancel()
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	server.Start()
	err := Registry{}.Push(ctx, bytecodeSource(t), host+"/a:v1", nil)
	if err == nil || !strings.HasPrefix(err.Error(), host+"/a:v1: interrupted") {
		t.Error(err)
	}
	if _, err := (Registry{}).Open(t.Context(), host+"/a:v1"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestManyPushAtOnce(t *testing.T) {
	lonely(t)
	server, host := serve(t, "127.0.0.1", newRegistry())
	server.Start()
	src := bytecodeSource(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := (Registry{}).Push(t.Context(), src, host+"/a:v1", nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	compareSources(t, must[*Source](t)(Registry{}.Open(t.Context(), host+"/a:v1")), src)
}

// A password before a registry's name is not repeated.
func TestAReferenceWithAPassword(t *testing.T) {
	for _, text := range []string{"me:s3cr3t@ghcr.io/x/y:v1", "https://me:s3cr3t@ghcr.io/x/y:v1", "me:s3cr3t@ghcr.io:5000/x"} {
		_, err := parseReference(text)
		if !errors.Is(err, ErrReference) || strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "docker login") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestReferencesAndPaths(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("registry.local/x", 0o755); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"ghcr.io/a/b:v1": true, "localhost/a": true, "localhost:5000/a": true, "[::1]:5000/a": true, "127.0.0.1:5000/a@sha256:ab": true,
		"build/image": false, "./a": false, "../a/b": false, "/a.b/c": false, "a.tar": false, "a": false, "registry.local/x": false,
	} {
		if IsReference(text) != want {
			t.Errorf("%s is a reference: %v", text, !want)
		}
	}
	for registry, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true,
		"localhost.example:5000": false, "10.0.0.1:5000": false, "128.0.0.1": false, "[::2]:5000": false, "127.0.0.1.example": false,
	} {
		if isLoopback(registry) != want {
			t.Errorf("%s is loopback: %v", registry, !want)
		}
		if _, err := name.NewRegistry(registry); err != nil {
			t.Errorf("%s: %v", registry, err)
		}
	}
}
