// SPDX-License-Identifier: Apache-2.0

package feature

import (
	"context"
	"errors"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Runtime is what tcpresume says of itself on this kernel.
type Runtime struct {
	Doctor   []loader.Finding // before loading
	Notes    []string         // of up
	Wrappers []loader.Wrapper
	Error    string `json:",omitempty"` // why up failed
}

// Try loads tcpresume onto a cgroup of its own and takes it down again. It
// belongs into rig.Isolate.
func Try(ctx context.Context) (tried Runtime, err error) {
	cgroup, err := lab.NewCgroup("feature")
	if err != nil {
		return tried, err
	}
	defer func() { err = errors.Join(err, cgroup.Remove()) }()
	opts := loader.Options{Cgroup: cgroup.Path()}
	tried.Doctor = loader.Diagnose(opts)
	runtime, err := loader.Up(ctx, opts)
	if err != nil {
		tried.Error = err.Error()
		return tried, nil
	}
	tried.Notes, tried.Wrappers = runtime.Notes, runtime.State().Wrappers
	if err := runtime.Close(); err != nil {
		return tried, err
	}
	_, err = loader.Down(ctx, opts)
	return tried, err
}
