// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
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
		ours, err := mapID(store.maps[bytecode.KernelMapResumeEvents])
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

func awaitReplacement(ctx context.Context, dir string, ours ebpf.MapID, replaced context.CancelCauseFunc) {
	ticker := time.NewTicker(replacedAfter)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		pinned, err := ebpf.LoadPinnedMap(filepath.Join(dir, bytecode.KernelMapResumeEvents), nil)
		if err != nil {
			continue // taken down; what is held goes on
		}
		id, err := mapID(pinned)
		pinned.Close()
		if err == nil && id != ours {
			replaced(errReplaced)
			return
		}
	}
}

func mapID(m *ebpf.Map) (ebpf.MapID, error) {
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	id, _ := info.ID()
	return id, nil
}
