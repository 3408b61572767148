// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	sessionPause = 500 * time.Millisecond
	helloEvery   = 10 * time.Second
	helloTTL     = 30 * time.Second
	readAhead    = 4096 // messages asked for in advance
	heartbeat    = 5 * time.Second
	progressLog  = time.Second
)

// bucketConfig is a key-value bucket as the NATS tools make it, with the lifetime
// of single messages on. It is no KeyValueConfig, which would tie that to a
// marker for every path that expires.
func (c Config) bucketConfig() jetstream.StreamConfig {
	storage := jetstream.MemoryStorage
	if c.Storage == "file" {
		storage = jetstream.FileStorage
	}
	return jetstream.StreamConfig{
		Name: "KV_" + c.Bucket(), Subjects: []string{c.subject(">")},
		Description:       "tcpresume: the latest change of each peer",
		MaxMsgsPerSubject: 1, MaxAge: c.Lifetime, MaxBytes: c.MaxBytes, MaxMsgSize: 2 * maxMessage,
		Discard: jetstream.DiscardOld, Storage: storage, Replicas: c.Replicas,
		AllowDirect: true, AllowRollup: true, DenyDelete: true, AllowMsgTTL: true,
	}
}

func (c Config) subject(key string) string { return "$KV." + c.Bucket() + "." + key }

// place in the bucket, kept from one session to the next.
type position struct {
	created time.Time // of the bucket
	seq     uint64    // of the latest message that was taken
}

// follow takes what others publish, session after session, for as long as ctx
// lasts and the link's identity is that of its file.
func (f *Fleet) follow(ctx context.Context, l *link) {
	for ctx.Err() == nil {
		select {
		case <-l.broken: // of before this session
		default:
		}
		if l.nc.IsConnected() {
			if err := f.session(ctx, l, &f.at); err != nil && ctx.Err() == nil {
				f.alone(err)
			}
		}
		f.live.Store(false)
		select {
		case <-ctx.Done():
		case <-l.stale:
			return
		case <-l.up:
		case <-time.After(sessionPause):
		}
	}
}

// session reads the bucket from where the last one stopped, to the end and on,
// until the connection breaks or something is missing.
func (f *Fleet) session(ctx context.Context, l *link, at *position) error {
	stream, err := f.bucket(ctx, l.js)
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("bucket %s: %w", f.opts.Config.Bucket(), err)
	}
	if at.seq > 0 && (!info.Created.Equal(at.created) || info.State.LastSeq < at.seq) {
		f.good.Printf("fleet: the bucket was made anew; what this machine has published is published again")
		*at = position{}
		f.refill()
	}
	at.created = info.Created
	if err := f.hello(ctx, l, stream); err != nil {
		return err
	}
	consumer, err := stream.CreateConsumer(ctx, f.consumer(at.seq))
	if err != nil {
		return fmt.Errorf("reading bucket %s: %w", f.opts.Config.Bucket(), err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(readAhead), jetstream.PullHeartbeat(heartbeat), jetstream.PullExpiry(3*heartbeat))
	if err != nil {
		return fmt.Errorf("reading bucket %s: %w", f.opts.Config.Bucket(), err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, messages.Stop)()
	go func() {
		select {
		case <-ctx.Done():
		case <-l.broken:
			cancel()
		}
	}()
	go f.greet(ctx, l, stream)
	return f.read(ctx, messages, consumer.CachedInfo().NumPending, at)
}

func (f *Fleet) consumer(seen uint64) jetstream.ConsumerConfig {
	config := jetstream.ConsumerConfig{
		Description: "tcpresume " + f.opts.Config.Name, AckPolicy: jetstream.AckNonePolicy,
		DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: 6 * heartbeat,
		FilterSubjects:    []string{f.opts.Config.subject(keyV4 + ">"), f.opts.Config.subject(keyV6 + ">")},
	}
	if seen > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, seen+1
	}
	return config
}

// bucket finds the bucket, or makes it where that is allowed.
func (f *Fleet) bucket(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	config := f.opts.Config.bucketConfig()
	stream, err := js.Stream(ctx, config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if stream, err = js.CreateStream(ctx, config); err == nil {
			f.good.Printf("fleet: made bucket %s: %d of it, in %s", f.opts.Config.Bucket(), config.Replicas, f.opts.Config.Storage)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", f.opts.Config.Bucket(), err)
	}
	return stream, checkBucket(stream.CachedInfo().Config, config)
}

// hello says that this machine is there, and compares the clocks by it.
func (f *Fleet) hello(ctx context.Context, l *link, stream jetstream.Stream) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	subject := f.opts.Config.subject(keyNode + f.opts.Config.Name)
	before := f.clock.now()
	_, err := l.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: []byte(`{"v":1,"run":"` + f.run + `"}`)}, jetstream.WithMsgTTL(helloTTL))
	if err != nil {
		return fmt.Errorf("publishing to %s: %w", subject, err)
	}
	after := f.clock.now()
	stored, err := stream.GetLastMsgForSubject(ctx, subject)
	if err != nil {
		return fmt.Errorf("reading %s: %w", subject, err)
	}
	f.clock.compare(stored.Time, before, after)
	return f.census(ctx, stream)
}

func (f *Fleet) census(ctx context.Context, stream jetstream.Stream) error {
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(f.opts.Config.subject(keyNode+"*")))
	if err != nil {
		return fmt.Errorf("counting machines: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.members = len(info.State.Subjects)
	f.state.stored = max(0, int(info.State.Msgs)-f.state.members)
	f.state.bytes = info.State.Bytes
	return nil
}

func (f *Fleet) greet(ctx context.Context, l *link, stream jetstream.Stream) {
	ticker := time.NewTicker(helloEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := f.hello(ctx, l, stream); err != nil && ctx.Err() == nil {
				f.complain(err)
			}
		}
	}
}
