// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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
}

// Options returns the client's options for a configuration.
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

func (f *Fleet) connect(ctx context.Context) (*link, error) {
	opts, err := f.opts.Config.options()
	if err != nil {
		return nil, err
	}
	l := &link{broken: make(chan struct{}, 1), up: make(chan struct{}, 1)}
	up := func(*nats.Conn) { signal(l.up) }
	opts = append(opts,
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if signal(l.broken); ctx.Err() == nil && err != nil {
				f.alone(fmt.Errorf("the connection broke: %w", err))
			}
		}),
		nats.ReconnectHandler(up), nats.ConnectHandler(up),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { f.alone(err) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { f.complain(err) }))
	if l.nc, err = nats.Connect(f.opts.Config.URL, opts...); err != nil {
		return nil, fmt.Errorf("fleet %s: %w", f.opts.Config.URL, err)
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
