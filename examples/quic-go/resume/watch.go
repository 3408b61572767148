// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"context"
	"net/http"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tcpresume/tcpresume/pkg/client"
)

// Watch makes the connections of a server report to the agent at its usual
// socket. Call it once, before the server serves; a ConnContext and a Handler
// that are set already go on as they were.
func Watch(server *http3.Server) {
	WatchWith(server, client.New(client.Options{}))
}

// WatchWith is Watch with a reporter of the caller's, which stays the caller's to close.
func WatchWith(server *http3.Server, reporter *client.Reporter) {
	w := &watcher{reporter: reporter}
	inner := server.ConnContext
	server.ConnContext = func(ctx context.Context, c *quic.Conn) context.Context {
		if inner != nil {
			ctx = inner(ctx, c)
		}
		return context.WithValue(ctx, connKey{}, w.add(c))
	}
	handler := server.Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	server.Handler = http.HandlerFunc(func(response http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(response, r)
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			c.sample()
		}
	})
}

type connKey struct{}
