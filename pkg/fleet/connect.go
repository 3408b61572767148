// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tcpresume/tcpresume/internal/secret"
)

const (
	reconnectWait   = 250 * time.Millisecond
	reconnectSpread = 750 * time.Millisecond // so that a fleet does not come back at once
	pingEvery       = 5 * time.Second        // a server that is gone without a word is missed after two
	askPatience     = 5 * time.Second
	ackPatience     = 5 * time.Second
	inFlight        = 4096 // changes sent and not confirmed
)

// link is one connection, which the client makes again by itself.
type link struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	broken chan struct{}
	up     chan struct{}
	stale  chan struct{} // the identity is another one now
}

// options returns the client's options for a configuration. The client reads the
// files at every connection, but for the public half of an nkey.
func (c Config) options() ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name("tcpresume " + c.Name), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectSpread, reconnectSpread),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2), nats.Timeout(askPatience),
		nats.IgnoreAuthErrorAbort(), nats.ReconnectBufSize(-1), // what waits, waits in looks
		nats.CustomInboxPrefix("_INBOX." + c.Name),
	}
	if c.Credentials != "" {
		opts = append(opts, nats.UserCredentials(c.Credentials))
	}
	if c.NKey != "" {
		seed, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("nkey: %w", err)
		}
		opts = append(opts, seed)
	}
	if c.CA != "" {
		opts = append(opts, nats.RootCAs(c.CA))
	}
	if c.Cert != "" {
		opts = append(opts, nats.ClientCert(c.Cert, c.Key))
	}
	if c.TLSFirst {
		opts = append(opts, nats.TLSHandshakeFirst())
	}
	return opts, nil
}

// publicKey is of the nkey in its file; empty without one.
func (c Config) publicKey() (string, error) {
	if c.NKey == "" {
		return "", nil
	}
	option, err := nats.NkeyOptionFromSeed(c.NKey)
	if err != nil {
		return "", fmt.Errorf("nkey: %w", err)
	}
	var read nats.Options
	err = option(&read)
	return read.Nkey, err
}

// hide takes the URL's secrets out of what the client says.
func (c Config) hide(err error) error { return secret.Error(err, c.URL) }

func (f *Fleet) connect(ctx context.Context) (*link, error) {
	opts, err := f.opts.Config.options()
	if err != nil {
		return nil, err
	}
	identity, err := f.opts.Config.publicKey()
	if err != nil {
		return nil, err
	}
	l := &link{broken: make(chan struct{}, 1), up: make(chan struct{}, 1), stale: make(chan struct{}, 1)}
	up := func(*nats.Conn) { signal(l.up) }
	failed := func(nc *nats.Conn, err error) {
		if ctx.Err() != nil {
			return
		}
		if now, bad := f.opts.Config.publicKey(); bad == nil && now != identity {
			signal(l.stale)
		}
		if nc.IsConnected() {
			f.complain(err)
			return
		}
		f.alone(err)
	}
	opts = append(opts,
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if signal(l.broken); ctx.Err() == nil && err != nil {
				f.alone(fmt.Errorf("the connection broke: %w", err))
			}
		}),
		nats.ReconnectHandler(up), nats.ConnectHandler(up),
		nats.ReconnectErrHandler(failed),
		nats.ErrorHandler(func(nc *nats.Conn, _ *nats.Subscription, err error) { failed(nc, err) }))
	if l.nc, err = nats.Connect(f.opts.Config.URL, opts...); err != nil {
		return nil, fmt.Errorf("fleet %s: %w", secret.Servers(f.opts.Config.URL), err)
	}
	l.js, err = jetstream.New(l.nc,
		jetstream.WithDefaultTimeout(askPatience),
		jetstream.WithPublishAsyncMaxPending(2*inFlight),
		jetstream.WithPublishAsyncTimeout(ackPatience),
		jetstream.WithPublishAsyncErrHandler(func(_ jetstream.JetStream, m *nats.Msg, err error) { f.unconfirmed(m, err) }),
		jetstream.WithPublishAsyncAckHandler(func(jetstream.JetStream, *nats.Msg, *jetstream.PubAck) { f.confirmed() }))
	if err != nil {
		l.nc.Close()
		return nil, err
	}
	return l, nil
}

// signal wakes who waits, now or later.
func signal(to chan struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
