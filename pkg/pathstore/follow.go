// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"context"
	"errors"
	"time"
)

// replacedAfter bounds how long events go unread after other maps were pinned.
const replacedAfter = time.Second

var errReplaced = errors.New("other maps are pinned now")

// WatchDir is Watch over the maps pinned in dir, also after others have been
// pinned in their place, as when bpfman has loaded anew.
func WatchDir(ctx context.Context, dir string, each func(Event) error) error {
	for since := bootNow(); ; {
		store, err := Open(dir)
		if err != nil {
			return err
		}
		ours, err := store.EventsID()
		if err != nil {
			store.Close()
			return err
		}
		inner, cancel := context.WithCancelCause(ctx)
		go awaitReplacement(inner, dir, ours, cancel)
		err = store.watchSince(inner, since, each)
		replaced := errors.Is(context.Cause(inner), errReplaced) && ctx.Err() == nil
		cancel(nil)
		store.Close()
		if !replaced || err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		since = bootNow() - uint64(2*replacedAfter) // the new ring has been written to meanwhile
	}
}

func awaitReplacement(ctx context.Context, dir string, ours uint32, replaced context.CancelCauseFunc) {
	ticker := time.NewTicker(replacedAfter)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		id, err := PinnedEventsID(dir) // without pins it was taken down, and what is held goes on
		if err == nil && id != ours {
			replaced(errReplaced)
			return
		}
	}
}
