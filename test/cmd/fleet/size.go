// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tcpresume/tcpresume/pkg/fleet"
)

// measureSize publishes the same changes to more and more readers: what grows with
// the readers is the price of a delivery, what is left that of a change.
func measureSize(ctx context.Context, o options) error {
	const changes = 50_000
	b, err := newBus()
	if err != nil {
		return err
	}
	defer b.close()
	o.head("readers", "changes", "seconds", "server's CPU for each change", "server's bytes out for each delivery", "server's memory")
	for _, readers := range []int{0, 1, 10, 30} {
		row, err := fanOut(ctx, b, readers, changes)
		if err != nil {
			return err
		}
		o.row(append([]any{readers, changes}, row...)...)
	}
	return nil
}

// fanOut counts what one server spends. Readers take messages as an agent does,
// and throw them away: their own work is another machine's.
func fanOut(ctx context.Context, b *bus, readers, changes int) ([]any, error) {
	nc, err := nats.Connect(b.url())
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096))
	if err != nil {
		return nil, err
	}
	_ = js.DeleteStream(ctx, "KV_size")
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "KV_size", Subjects: []string{"$KV.size.>"}, MaxMsgsPerSubject: 1, Storage: jetstream.MemoryStorage, AllowMsgTTL: true, AllowDirect: true,
	})
	if err != nil {
		return nil, err
	}
	done := make(chan error, readers)
	bytes := make(chan uint64, readers)
	for range readers {
		conn, err := nats.Connect(b.url())
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		if err := read(ctx, conn, changes, done, bytes); err != nil {
			return nil, err
		}
	}
	before, err := b.cpu()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	change := fleet.Change{Op: fleet.OpPut, From: "edge-17", Run: "0123456789abcdef", TTL: 10 * time.Minute, Cwnd: 300_000, RTT: 80 * time.Millisecond, Mode: "policy", Source: "application"}
	for i := range changes {
		change.N, change.At = uint64(i+1), time.Now().UnixMicro()
		m := nats.NewMsg("$KV.size." + fleet.Key(peerN(i)))
		m.Data = change.Append(nil)
		for js.PublishAsyncPending() > 4000 {
			time.Sleep(100 * time.Microsecond)
		}
		if _, err := js.PublishMsgAsync(m, jetstream.WithMsgTTL(10*time.Minute)); err != nil {
			return nil, err
		}
	}
	<-js.PublishAsyncComplete()
	delivered := uint64(0)
	for range readers {
		if err := <-done; err != nil {
			return nil, err
		}
		delivered += <-bytes
	}
	took := time.Since(began)
	after, err := b.cpu()
	if err != nil {
		return nil, err
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	each := "-"
	if readers > 0 {
		each = fmt.Sprintf("%d B", delivered/uint64(readers*changes))
	}
	return []any{fmt.Sprintf("%.1f", took.Seconds()), fmt.Sprintf("%.1f µs", float64(after-before)/1e3/float64(changes)), each,
		fmt.Sprintf("%s, bucket %s", megabytes(b.memory()), megabytes(info.State.Bytes))}, nil
}

// read takes as many messages as there will be.
func read(ctx context.Context, conn *nats.Conn, changes int, done chan<- error, bytes chan<- uint64) error {
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	consumer, err := js.CreateConsumer(ctx, "KV_size", jetstream.ConsumerConfig{AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, FilterSubjects: []string{"$KV.size.v4.>", "$KV.size.v6.>"}, MemoryStorage: true, InactiveThreshold: time.Minute})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		return err
	}
	go func() {
		defer messages.Stop()
		for range changes {
			if _, err := messages.Next(); err != nil {
				done <- err
				bytes <- 0
				return
			}
		}
		done <- nil
		bytes <- conn.Stats().InBytes
	}()
	return nil
}
