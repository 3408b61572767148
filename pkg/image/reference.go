// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// ErrReference is returned for text that names no image.
var ErrReference = errors.New("not an image")

// IsReference tells a registry's image from a path: it begins with a host, and
// no such file exists.
func IsReference(text string) bool {
	if _, err := os.Stat(filepath.Clean(text)); err == nil {
		return false
	}
	host, _, found := strings.Cut(text, "/")
	return found && isHost(host)
}

func isHost(text string) bool {
	return strings.Trim(text, ".") != "" && (strings.ContainsAny(text, ".:") || text == "localhost")
}

// parseReference wants the registry's host spelt out, as bpfman-operator does:
// a default one would send an image to a place that nobody named.
func parseReference(text string, options ...name.Option) (name.Reference, error) {
	if host, _, _ := strings.Cut(strings.TrimPrefix(text, "https://"), "/"); strings.Contains(host, "@") {
		return nil, fmt.Errorf("%w: a user's name or password stands before the registry %s: leave it out, and use \"docker login\" or \"podman login\"", ErrReference, host[strings.LastIndexByte(host, '@')+1:])
	}
	if rest, found := strings.CutPrefix(text, "https://"); found {
		return nil, fmt.Errorf("%w: %q has a scheme in front, write %s", ErrReference, text, rest)
	}
	if host, _, found := strings.Cut(text, "/"); !found || !isHost(host) {
		return nil, fmt.Errorf("%w: %q does not begin with the host of a registry, as in ghcr.io/tcpresume/bytecode:v1", ErrReference, text)
	}
	ref, err := name.ParseReference(text, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %q; write HOST/NAME:TAG or HOST/NAME@sha256:DIGEST", ErrReference, text)
	}
	return ref, nil
}

// isLoopback is what both we and the Go bpfman trust without TLS.
func isLoopback(registry string) bool {
	host := registry
	if h, _, err := net.SplitHostPort(registry); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
