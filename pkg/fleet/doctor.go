// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tcpresume/tcpresume/internal/sandbox"
	"github.com/tcpresume/tcpresume/internal/secret"
)

// Finding is what Diagnose found out about one thing.
type Finding struct {
	Check  string
	OK     bool
	Warn   bool   // works, less well than it could
	Detail string // what was seen
	Remedy string // where there is something to do
}

// probe is a peer of a documentation prefix (RFC 5737): nobody's, so that a
// change of it harms nobody.
const probe = keyV4 + "192.0.2.255"

// skewNoted is a difference of clocks that people should know of.
const skewNoted = time.Second

// stepPatience is for one question: what is not allowed is not answered.
const stepPatience = 3 * time.Second

// patient is one examination.
type patient struct {
	config   Config
	nc       *nats.Conn
	js       jetstream.JetStream
	findings []Finding

	mu      sync.Mutex
	refused error // the latest thing that the server refused without an answer
}

// Diagnose looks at everything that a machine needs from the fleet's servers. It
// says hello there, and changes nothing else.
func Diagnose(ctx context.Context, config Config) []Finding {
	p := &patient{config: config}
	if err := config.Validate(); err != nil {
		p.problem("fleet configuration", err, "correct the section fleet of the configuration, or --fleet")
		return p.findings
	}
	if p.server() {
		defer p.nc.Close()
		if stream, ok := p.bucket(ctx); ok {
			p.rights(ctx, stream)
		}
	}
	return p.findings
}

func (p *patient) note(check, detail string) {
	p.findings = append(p.findings, Finding{Check: check, OK: true, Detail: detail})
}

func (p *patient) problem(check string, err error, remedy string) {
	p.findings = append(p.findings, Finding{Check: check, Detail: p.config.hide(sandbox.Network(err)).Error(), Remedy: remedy})
}

func (p *patient) server() bool {
	const check = "fleet server"
	opts, err := p.config.options()
	if err == nil {
		opts = append(opts, nats.RetryOnFailedConnect(false), nats.MaxReconnects(0),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
				p.mu.Lock()
				defer p.mu.Unlock()
				p.refused = err
			}))
		p.nc, err = nats.Connect(p.config.URL, opts...)
	}
	if err != nil {
		remedy := "is it running, and reachable from here? the url is " + secret.Servers(p.config.URL)
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) {
			remedy = "give credentials or nkey in the configuration's section fleet, as the server's operator made them"
		}
		p.problem(check, err, remedy)
		return false
	}
	rtt, err := p.nc.RTT()
	if err != nil {
		p.problem(check, err, "")
		return false
	}
	p.js, err = jetstream.New(p.nc, jetstream.WithDefaultTimeout(askPatience))
	if err != nil {
		p.problem(check, err, "")
		return false
	}
	with := "plain"
	if p.nc.TLSRequired() || strings.HasPrefix(p.nc.ConnectedUrl(), "tls:") {
		with = "TLS"
	}
	p.note(check, fmt.Sprintf("%s, NATS %s, %s, round trip %v", p.nc.ConnectedUrlRedacted(), p.nc.ConnectedServerVersion(), with, rtt.Round(10*time.Microsecond)))
	return true
}

func (p *patient) bucket(ctx context.Context) (jetstream.Stream, bool) {
	const check = "fleet bucket"
	want := p.config.bucketConfig()
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	stream, err := p.js.Stream(ctx, want.Name)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		p.problem("fleet JetStream", err, `set "jetstream: enabled" on the servers, and give the account JetStream storage`)
		return nil, false
	case errors.Is(err, jetstream.ErrStreamNotFound):
		p.findings = append(p.findings, Finding{Check: check, OK: true, Warn: true, Detail: p.config.Bucket() + " is not there yet", Remedy: "an agent that may makes it; else see docs/fleet.md"})
		return nil, false
	case err != nil:
		err = p.orRefused(err)
		p.problem(check, err, remedyOf(err, want.Name, "the user needs the rights that docs/fleet.md lists"))
		return nil, false
	}
	info := stream.CachedInfo()
	if err := checkBucket(info.Config, want); err != nil {
		p.problem(check, err, `"nats stream edit `+want.Name+`", or remove it and let an agent make it`)
		return nil, false
	}
	p.note("fleet JetStream", "on")
	if early := info.Config.MaxAge; early > 0 && early < p.config.Lifetime {
		p.findings = append(p.findings, Finding{
			Check: check, OK: true, Warn: true, Detail: fmt.Sprintf("%s forgets changes after %v, before their lifetime of %v is over", p.config.Bucket(), early, p.config.Lifetime),
			Remedy: fmt.Sprintf("\"nats stream edit %s --max-age %v\", or a lower lifetime", want.Name, p.config.Lifetime),
		})
	}
	p.note(check, fmt.Sprintf("%s: %d changes, %d bytes, %d of it, in %s", p.config.Bucket(), info.State.Msgs, info.State.Bytes, info.Config.Replicas, strings.ToLower(info.Config.Storage.String())))
	return stream, true
}

func (p *patient) rights(ctx context.Context, stream jetstream.Stream) {
	part, err := New(Options{Config: p.config})
	if err != nil {
		p.problem("fleet rights", err, "")
		return
	}
	if err := part.hello(ctx, &link{nc: p.nc, js: p.js}, stream); err != nil {
		p.refuses(err, "let this machine publish to "+p.config.subject(keyNode+p.config.Name)+" and read it; see docs/fleet.md")
		return
	}
	text := Change{Op: OpGone, From: p.config.Name, Run: part.run, N: 1, At: part.clock.told(part.clock.now()), TTL: time.Second, Why: "doctor"}.Append(nil)
	step, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	if _, err := p.js.Publish(step, p.config.subject(probe), text, jetstream.WithMsgTTL(time.Second)); err != nil {
		err = p.orRefused(err)
		if remedy := remedyOf(err, "KV_"+p.config.Bucket(), ""); remedy != "" {
			p.problem("fleet bucket", fmt.Errorf("takes no change: %w", err), remedy)
			return
		}
		p.findings = append(p.findings, Finding{Check: "fleet rights", OK: true, Warn: true, Detail: fmt.Sprintf("may not publish every peer: %v", err), Remedy: "right if this machine shall publish some prefixes only, or nothing"})
	} else {
		p.note("fleet rights", "may publish")
	}
	config := part.consumer(0)
	config.InactiveThreshold = time.Second
	step, cancel = context.WithTimeout(ctx, stepPatience)
	defer cancel()
	if _, err := stream.CreateConsumer(step, config); err != nil {
		p.refuses(err, "let this machine make consumers of KV_"+p.config.Bucket()+"; see docs/fleet.md")
		return
	}
	p.note("fleet rights", "may read")
	clock := Finding{Check: "fleet clock", OK: true, Detail: fmt.Sprintf("%v from the server's, known to %v", part.clock.skew().Round(time.Microsecond), time.Duration(part.clock.error.Load()).Round(time.Microsecond))}
	if skew := part.clock.skew(); skew > skewNoted || skew < -skewNoted {
		clock.Warn, clock.Remedy = true, "lifetimes do not depend on it; logs of several machines do: let both keep time by NTP"
	}
	p.findings = append(p.findings, clock)
}

// refuses notes what did not work: where the server has said why, it is the
// bucket, else a right is missing.
func (p *patient) refuses(err error, rights string) {
	err = p.orRefused(err)
	check := "fleet rights"
	if answer := new(jetstream.APIError); errors.As(err, &answer) {
		check = "fleet bucket"
	}
	p.problem(check, err, remedyOf(err, "KV_"+p.config.Bucket(), rights))
}

// orRefused prefers what the server has said to a time-out.
func (p *patient) orRefused(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refused != nil && errors.Is(err, context.DeadlineExceeded) {
		return p.refused
	}
	return err
}
