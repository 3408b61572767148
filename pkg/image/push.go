// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push sends an image to a registry. What the registry has already is not sent
// again, and the name is set last: until then it means what it meant before, and
// a push that broke off can be repeated. progress, if set, is called with the
// bytes that have arrived.
func (r Registry) Push(ctx context.Context, src *Source, reference string, progress func(done int64)) error {
	ref, err := r.parse(reference)
	if err != nil {
		return err
	}
	if sum, err := src.Summary(); err != nil || len(sum.Missing) > 0 {
		return errors.Join(err, src.lacks(sum.Missing))
	}
	guard, err := r.guard(ref)
	if err != nil {
		return err
	}
	options, err := r.options(ctx, guard)
	if err != nil {
		return err
	}
	var done int64
	updates, drained := make(chan v1.Update, 64), make(chan struct{})
	go func() {
		defer close(drained)
		for update := range updates {
			if done = max(done, update.Complete); progress != nil {
				progress(done)
			}
		}
	}()
	err = remote.Push(ref, src.described().(remote.Taggable), append(options, remote.WithProgress(updates))...)
	<-drained // the library closes updates
	switch {
	case err == nil:
		return nil
	case done == 0:
		return explain(ref, err)
	}
	return fmt.Errorf("%w; the push broke off after %d bytes, and the name means what it meant before", explain(ref, err), done)
}
