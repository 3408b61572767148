// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tcpresume/tcpresume/internal/textfile"
)

const envAuthFile = "REGISTRY_AUTH_FILE"

// newKeychain looks for credentials where bpfman does and in its order: the
// files of podman first, then what Docker knows. The first that knows the
// registry is used.
func newKeychain() (authn.Keychain, error) {
	var chains []authn.Keychain
	if path := os.Getenv(envAuthFile); path != "" {
		path = filepath.Clean(path)
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%s: %w", envAuthFile, err)
		}
		chains = append(chains, authFile(path))
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		chains = append(chains, authFile(filepath.Join(dir, "containers", "auth.json")))
	}
	if home, err := os.UserHomeDir(); err == nil {
		chains = append(chains, authFile(filepath.Join(home, ".config", "containers", "auth.json")))
	}
	return authn.NewMultiKeychain(append(chains, authn.DefaultKeychain)...), nil
}

// authFile is a file as "podman login" writes it. It may name a registry, or a
// part of the path below it.
type authFile string

func (path authFile) Resolve(target authn.Resource) (authn.Authenticator, error) {
	text, err := textfile.Read(string(path))
	if errors.Is(err, fs.ErrNotExist) {
		return authn.Anonymous, nil
	}
	if err != nil {
		return nil, fmt.Errorf("registry credentials: %w", err)
	}
	credentials, err := config.LoadFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("registry credentials in %s: %w", path, err)
	}
	for _, key := range credentialKeys(target) {
		found, err := credentials.GetAuthConfig(key)
		if err != nil {
			return nil, fmt.Errorf("registry credentials in %s: %w", path, err)
		}
		found.ServerAddress = "" // always set, and of no use
		if found != (types.AuthConfig{}) {
			return authn.FromConfig(authn.AuthConfig{
				Username: found.Username, Password: found.Password, Auth: found.Auth,
				IdentityToken: found.IdentityToken, RegistryToken: found.RegistryToken,
			}), nil
		}
	}
	return authn.Anonymous, nil
}

// credentialKeys are the keys under which a target may stand, the longest first.
func credentialKeys(target authn.Resource) []string {
	var keys []string
	for key := target.String(); strings.Contains(key, "/"); key = key[:strings.LastIndexByte(key, '/')] {
		keys = append(keys, key)
	}
	keys = append(keys, target.RegistryStr())
	if target.RegistryStr() == name.DefaultRegistry {
		keys = append(keys, "docker.io", authn.DefaultAuthKey)
	}
	return keys
}
