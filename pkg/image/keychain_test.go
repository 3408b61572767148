// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guarded lets in one user for each top-level name.
func guarded(users map[string]string) http.Handler {
	inner := newRegistry()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/")
		switch {
		case user == "":
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
		case name != "" && users[name] != user+":"+password:
			w.WriteHeader(http.StatusForbidden)
		default:
			inner.ServeHTTP(w, r)
		}
	})
}

func auths(keysAndUsers ...string) string {
	var entries []string
	for i := 0; i < len(keysAndUsers); i += 2 {
		entries = append(entries, `"`+keysAndUsers[i]+`":{"auth":"`+base64.StdEncoding.EncodeToString([]byte(keysAndUsers[i+1]))+`"}`)
	}
	return `{"auths":{` + strings.Join(entries, ",") + `}}`
}

func TestCredentialsAreFoundWhereBpfmanFindsThem(t *testing.T) {
	server, host := serve(t, "127.0.0.1", guarded(map[string]string{"team": "me:secret", "else": "other:secret"}))
	server.Start()
	src := bytecodeSource(t)
	good, bad := auths(host, "me:secret"), auths(host, "me:wrong")
	for _, c := range []struct {
		what   string
		files  map[string]string // below the home directory
		env    map[string]string // likewise
		denied bool
	}{
		{"nothing", nil, nil, true},
		{"a wrong password", map[string]string{".config/containers/auth.json": bad}, nil, true},
		{"another registry's", map[string]string{".config/containers/auth.json": auths("ghcr.io", "me:secret")}, nil, true},
		{"REGISTRY_AUTH_FILE", map[string]string{"f": good}, map[string]string{envAuthFile: "f"}, false},
		{"XDG_RUNTIME_DIR", map[string]string{"run/containers/auth.json": good}, map[string]string{"XDG_RUNTIME_DIR": "run"}, false},
		{"~/.config", map[string]string{".config/containers/auth.json": good}, nil, false},
		{"DOCKER_CONFIG", map[string]string{"d/config.json": good}, map[string]string{"DOCKER_CONFIG": "d"}, false},
		{"~/.docker", map[string]string{".docker/config.json": good}, nil, false},
		{"the named file first", map[string]string{"f": good, ".config/containers/auth.json": bad, ".docker/config.json": bad}, map[string]string{envAuthFile: "f"}, false},
		{"podman's before Docker's", map[string]string{".config/containers/auth.json": good, ".docker/config.json": bad}, nil, false},
		{"a file that does not know the registry is passed over", map[string]string{"f": auths("ghcr.io", "x:y"), "d/config.json": good}, map[string]string{envAuthFile: "f", "DOCKER_CONFIG": "d"}, false},
		{"the longest path", map[string]string{"f": auths(host, "other:secret", host+"/team", "me:secret")}, map[string]string{envAuthFile: "f"}, false},
		{"another path's", map[string]string{"f": auths(host+"/else", "other:secret")}, map[string]string{envAuthFile: "f"}, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			home := lonely(t)
			for name, text := range c.files {
				if filepath.Base(name) != "config.json" { // which Docker's own code reads
					text = "\ufeff" + text // as some editors write it
				}
				writeFile(t, filepath.Join(home, name), text)
			}
			for name, path := range c.env {
				t.Setenv(name, filepath.Join(home, path))
			}
			err := Registry{backoff: hasty}.Push(t.Context(), src, host+"/team/bytecode:v1", nil)
			if errors.Is(err, ErrDenied) != c.denied || !c.denied && err != nil {
				t.Error(err)
			}
			if c.denied && !strings.Contains(err.Error(), `"podman login `+host+`" stores credentials; those of another user are found by REGISTRY_AUTH_FILE`) {
				t.Error(err)
			}
		})
	}
}

func TestCredentialsThatCannotBeRead(t *testing.T) {
	home := lonely(t)
	file := filepath.Join(home, "f")
	t.Setenv(envAuthFile, file)
	if _, err := (Registry{}).Open(t.Context(), "localhost:1/a"); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "REGISTRY_AUTH_FILE: ") {
		t.Error(err)
	}
	writeFile(t, file, "{")
	if _, err := (Registry{}).Open(t.Context(), "localhost:1/a"); err == nil || !strings.Contains(err.Error(), "registry credentials in "+file) {
		t.Error(err)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}
