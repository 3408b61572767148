// SPDX-License-Identifier: Apache-2.0

package http3app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/quic-go/quic-go/http3"
	"go.uber.org/zap"

	"github.com/tcpresume/tcpresume/examples/quic-go/resume"
	"github.com/tcpresume/tcpresume/pkg/client"
)

func init() { caddy.RegisterModule(new(App)) }

// App serves HTTP/3 for a server of the http app, which must be told not to:
// its "protocols" are ["h1", "h2"].
type App struct {
	// Server is the name of the server in the http app.
	Server string `json:"server"`
	// Listen is where to serve, such as "udp/:443".
	Listen string `json:"listen"`
	// Sockets is the directory of the agent's sockets; default /run/tcpresume.
	Sockets string `json:"sockets,omitempty"`

	log      *zap.Logger
	h3       *http3.Server
	listener http3.QUICListener
	open     func() (http3.QUICListener, error)
	reporter *client.Reporter
}

// CaddyModule names the app in the configuration.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "tcpresume", New: func() caddy.Module { return new(App) }}
}

// Provision finds the server and its certificates.
func (a *App) Provision(ctx caddy.Context) error {
	a.log = ctx.Logger()
	loaded, err := ctx.App("http")
	if err != nil {
		return err
	}
	server := loaded.(*caddyhttp.App).Servers[a.Server]
	switch {
	case server == nil:
		return fmt.Errorf("the http app has no server %q: name one of its servers in \"server\"", a.Server)
	case len(server.TLSConnPolicies) == 0:
		return fmt.Errorf("server %q has no TLS: HTTP/3 needs it", a.Server)
	case !servesWithoutHTTP3(server.Protocols):
		return fmt.Errorf("server %q would serve HTTP/3 itself: give it \"protocols\": [\"h1\", \"h2\"]", a.Server)
	}
	address, err := caddy.ParseNetworkAddress(a.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	tls := server.TLSConnPolicies.TLSConfig(ctx)
	a.open = func() (http3.QUICListener, error) {
		return address.ListenQUIC(ctx, 0, net.ListenConfig{}, tls, nil, nil)
	}
	a.reporter = client.New(client.Options{Dir: a.Sockets})
	a.h3 = &http3.Server{Handler: server, TLSConfig: tls, MaxHeaderBytes: server.MaxHeaderBytes, IdleTimeout: time.Duration(server.IdleTimeout)}
	resume.WatchWith(a.h3, a.reporter)
	return nil
}

func servesWithoutHTTP3(protocols []string) bool {
	for _, protocol := range protocols {
		if protocol == "h3" {
			return false
		}
	}
	return len(protocols) > 0 // Caddy's default has it
}

// Start opens the listener.
func (a *App) Start() (err error) {
	if a.listener, err = a.open(); err != nil {
		return err
	}
	go func() { _ = a.h3.ServeListener(a.listener) }()
	a.log.Info("serving HTTP/3 and reporting to tcpresume", zap.String("server", a.Server), zap.String("listen", a.Listen))
	return nil
}

// Stop lets requests end, for as long as Caddy's own default is.
func (a *App) Stop() error {
	if a.listener == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	stopped := a.listener.Close() // the first stops accepting, the second frees the socket
	_ = a.h3.Shutdown(ctx)
	return errors.Join(stopped, a.listener.Close(), a.reporter.Close())
}

var (
	_ caddy.App         = (*App)(nil)
	_ caddy.Provisioner = (*App)(nil)
)
