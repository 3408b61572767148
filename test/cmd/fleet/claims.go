// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// measureClaims takes deletions, which claims and retreats are elsewhere: the time
// until B's next connection finds nothing.
func measureClaims(ctx context.Context, o options) error {
	stored := make(chan struct{}, 1)
	p, err := newPair(ctx, func(resume.Path) { stored <- struct{}{} })
	if err != nil {
		return err
	}
	defer p.close()
	writer := p.a.store.Writer()
	var took []time.Duration
	for i := range 500 {
		if err := p.a.paths(writer, 300_000, peerN(i)); err != nil {
			return err
		}
		<-stored
		if err := p.a.store.Delete(peerN(i), 0); err != nil {
			return err
		}
		began := time.Now()
		p.a.fleet.Deleted(peerN(i))
		for {
			if _, err := p.b.store.Get(peerN(i), 0); err != nil {
				break
			}
		}
		took = append(took, time.Since(began))
		o.book.AddTime(took[i], "fleet", "removal")
	}
	o.head("removals", "p50", "p99", "longest")
	o.row(len(took), quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1))
	return nil
}
