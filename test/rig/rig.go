// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Rig is a loaded tcpresume on a cgroup of its own.
type Rig struct {
	Cgroup  *lab.Cgroup // servers that are to be resumed listen in it
	Store   *pathstore.Store
	Options loader.Options
	State   loader.State
}

var number atomic.Int32

// New loads tcpresume. The caller must Close it.
func New(ctx context.Context) (*Rig, error) {
	cgroup, err := lab.NewCgroup(fmt.Sprintf("rig-%d", number.Add(1)))
	if err != nil {
		return nil, err
	}
	r := &Rig{Cgroup: cgroup, Options: loader.Options{Cgroup: cgroup.Path()}}
	runtime, err := loader.Up(ctx, r.Options)
	if err != nil {
		return nil, errors.Join(err, cgroup.Remove())
	}
	r.State = runtime.State()
	runtime.Close()
	if r.Store, err = pathstore.Open(loader.MapsDir(loader.DefaultPins)); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close takes tcpresume down and removes its cgroup.
func (r *Rig) Close() error {
	var errs []error
	if r.Store != nil {
		errs = append(errs, r.Store.Close())
	}
	if _, err := loader.Down(context.Background(), r.Options); err != nil && !errors.Is(err, pathstore.ErrNotLoaded) {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, r.Cgroup.Remove())...)
}

// Counters returns the non-zero counters of the kernel by name.
func (r *Rig) Counters() (map[string]uint64, error) {
	all, err := r.Store.Counters()
	if err != nil {
		return nil, err
	}
	counted := make(map[string]uint64)
	for _, c := range all {
		if c.Value != 0 {
			counted[c.Name] = c.Value
		}
	}
	return counted, nil
}
