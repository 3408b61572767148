// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tcpresume/tcpresume/internal/textfile"
)

// Registry says how registries are reached. The zero value is right for those
// that the system's certificates vouch for, and for plain HTTP on this machine.
type Registry struct {
	CA        string // file of further certificates that vouch for registries (PEM)
	PlainHTTP bool   // without TLS also beyond this machine

	backoff remote.Backoff                                                       // for tests: how a failed request is repeated
	dial    func(ctx context.Context, network, address string) (net.Conn, error) // for tests: where an address leads
}

// Open reads what a reference names; nothing but manifests is fetched yet. The
// error is ErrReference, ErrDenied, ErrNotFound or the network's.
func (r Registry) Open(ctx context.Context, reference string) (*Source, error) {
	ref, err := r.parse(reference)
	if err != nil {
		return nil, err
	}
	guard, err := r.guard(ref)
	if err != nil {
		return nil, err
	}
	options, err := r.options(ctx, guard)
	if err != nil {
		return nil, err
	}
	found, err := remote.Get(ref, options...)
	if err != nil {
		return nil, explain(ref, err)
	}
	src := &Source{Name: reference, plainHTTP: guard.usedPlain.Load()}
	if found.MediaType.IsIndex() {
		src.index, err = found.ImageIndex()
	} else {
		src.image, err = found.Image()
	}
	if err != nil {
		return nil, explain(ref, err)
	}
	return src, nil
}

func (r Registry) parse(reference string) (name.Reference, error) {
	if r.PlainHTTP {
		return parseReference(reference, name.Insecure)
	}
	return parseReference(reference)
}

func (r Registry) options(ctx context.Context, guard *guard) ([]remote.Option, error) {
	keychain, err := newKeychain()
	if err != nil {
		return nil, err
	}
	options := []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain), remote.WithTransport(guard), remote.WithUserAgent("tcpresume"),
	}
	if r.backoff != (remote.Backoff{}) {
		options = append(options, remote.WithRetryBackoff(r.backoff))
	}
	return options, nil
}

// guard keeps the library from falling back to HTTP, which it does for private
// addresses: whoever blocks the TLS port would be sent the password.
type guard struct {
	next      http.RoundTripper
	onlyTLS   bool
	usedPlain atomic.Bool
}

func (r Registry) guard(ref name.Reference) (*guard, error) {
	transport := remote.DefaultTransport.(*http.Transport).Clone()
	if r.CA != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("the system's certificates: %w", err)
		}
		pem, err := textfile.Read(r.CA)
		if err != nil {
			return nil, err
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", r.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	if r.dial != nil {
		transport.DialContext = r.dial
	}
	return &guard{next: transport, onlyTLS: !r.PlainHTTP && !isLoopback(ref.Context().RegistryStr())}, nil
}

func (g *guard) RoundTrip(request *http.Request) (*http.Response, error) {
	plain := request.URL.Scheme == "http"
	if plain && g.onlyTLS {
		return nil, errPlainHTTP
	}
	response, err := g.next.RoundTrip(request)
	if err == nil && plain {
		g.usedPlain.Store(true)
	}
	return response, err
}
