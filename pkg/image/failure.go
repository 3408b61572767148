// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

var (
	// ErrDenied is returned when a registry asks for other credentials.
	ErrDenied = errors.New("the registry denies access")
	// ErrNotFound is returned when there is no such image.
	ErrNotFound = errors.New("no such image")

	errPlainHTTP = errors.New("it does not answer by TLS, and plain HTTP is not used beyond this machine")
)

// explain adds what to do to what the library and the registry say.
func explain(ref name.Reference, err error) error {
	registry := ref.Context().RegistryStr()
	var (
		answer    *transport.Error
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: interrupted", ref)
	case errors.As(err, &authority): // first, as plain HTTP is tried too, on this machine, and answered
		return fmt.Errorf("%s: no known authority signed the registry's certificate: name its own with --ca", ref)
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden):
		return fmt.Errorf("%w to %s (%w): \"podman login %s\" stores credentials; those of another user are found by %s",
			ErrDenied, ref, short(answer), registry, envAuthFile)
	case errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %s (%w)", ErrNotFound, ref, short(answer))
	case errors.As(err, &answer):
		return fmt.Errorf("%s: the registry answers %w", ref, short(answer))
	case errors.Is(err, errPlainHTTP):
		return fmt.Errorf("%s: %w: --plain-http allows it (%w)", ref, errPlainHTTP, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: no registry answers at %s: %w", ref, registry, syscall.ECONNREFUSED)
	}
	return fmt.Errorf("%s: %w", ref, err)
}

// short leaves out the body of an answer that is no registry's, a web page mostly.
func short(answer *transport.Error) error {
	text := fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	var details []string
	for _, d := range answer.Errors {
		details = append(details, strings.TrimSuffix(fmt.Sprintf("%s: %s", d.Code, d.Message), ": "))
	}
	if len(details) > 0 {
		text += ", " + strings.Join(details, ", ")
	}
	return errors.New(text)
}
