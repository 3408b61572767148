// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/operator"
)

// runtimeKind is who loads programs and maps.
type runtimeKind string

const (
	runtimeAsIs     runtimeKind = "" // what runs already, or else embedded
	runtimeEmbedded runtimeKind = "embedded"
	runtimeBpfman   runtimeKind = "bpfman"
	runtimeAuto     runtimeKind = "auto"
)

// runtimeFlags choose it for "up".
type runtimeFlags struct {
	kind      runtimeKind
	programID int
	bpfman    bpfman.Options
	onUnload  bpfman.OnUnload
	operator  operatorFlags
	health    string
	serves    bool // the agent is in this process, too
}

func (f *runtimeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	addWord(cmd, flags, &f.kind, "runtime", "", "who loads programs and maps", []runtimeKind{runtimeEmbedded, runtimeBpfman, runtimeAuto},
		"auto takes bpfman where it has loaded tcpresume (default what runs already, or else embedded)")
	addInt(flags, &f.programID, "program-id", "the program that bpfman has loaded, by its kernel id (default the youngest that is found)")
	f.onUnload = bpfman.Keep
	addWord(cmd, flags, &f.onUnload, "on-unload", "", "when bpfman unloads what runs", []bpfman.OnUnload{bpfman.Keep, bpfman.Down},
		"keep goes on with what tcpresume holds; heeded while this command runs")
	flags.StringVar(&f.health, "health", "", "`ADDRESS` for the probes /healthz and /readyz, as in :8089 (default none)")
	addBpfman(cmd, &f.bpfman)
	f.operator.add(cmd)
}

// addBpfman adds where bpfman is, for a verb that asks it.
func addBpfman(cmd *cobra.Command, to *bpfman.Options) {
	flags := cmd.Flags()
	addPath(flags, &to.Root, "bpfman-root", "`DIR` in which bpfman runs (default "+bpfman.DefaultRoot+")")
	addPath(flags, &to.Socket, "bpfman-socket", "`PATH` of its gRPC socket (default "+bpfman.DefaultSocket+")")
	_ = cmd.MarkFlagDirname("bpfman-root")
}

// choose settles the kind, and what bpfman is asked for.
func (f *runtimeFlags) choose(cmd *cobra.Command, g *global) error {
	f.bpfman.ProgramID, f.bpfman.MapsDir = uint32(f.programID), g.maps
	named := f.programID != 0 || g.maps != "" || f.operator.named()
	if err := f.operator.addSource(cmd, &f.bpfman); err != nil {
		return err
	}
	ctx := cmd.Context()
	switch f.kind {
	case runtimeAsIs:
		origin, err := loader.ReadOrigin(g.pinsDir())
		f.kind = runtimeEmbedded
		if origin != nil || named {
			f.kind = runtimeBpfman
		}
		return err
	case runtimeAuto:
		found, err := bpfman.Loaded(ctx, f.bpfman)
		f.kind = runtimeEmbedded
		if found {
			f.kind = runtimeBpfman
		}
		return err
	case runtimeEmbedded:
		if named {
			return input(errors.New("--program-id, --maps and --application name what bpfman has loaded, which --runtime embedded does without"))
		}
	}
	return nil
}

// up loads by the kind that was chosen.
func (f *runtimeFlags) up(ctx context.Context, opts loader.Options) (*loader.Runtime, error) {
	if f.kind == runtimeBpfman {
		return bpfman.Up(ctx, opts, f.bpfman)
	}
	return loader.Up(ctx, opts)
}

// staying does the work beside stay. Work that does not last leaves the waiting to stay.
func (f *runtimeFlags) staying(cmd *cobra.Command, running *loader.Runtime, opts loader.Options, work func() error) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	cmd.SetContext(ctx)
	stayed := make(chan error, 1)
	go func() {
		stayed <- f.stay(cmd, running, opts)
		cancel()
	}()
	err := work()
	if err != nil {
		cancel()
	}
	return errors.Join(err, <-stayed)
}

// waits tells whether to stay for what the operator is yet to load: its nodes
// come up in any order.
func (f *runtimeFlags) waits(detach bool) bool {
	return f.kind == runtimeBpfman && f.operator.named() && !detach
}

// stay follows bpfman, or only holds the place, until the user has enough.
func (f *runtimeFlags) stay(cmd *cobra.Command, running *loader.Runtime, opts loader.Options) error {
	ctx := cmd.Context()
	health := operator.NewHealth()
	if f.health != "" {
		listener, err := net.Listen("tcp", f.health)
		if err != nil {
			return fmt.Errorf("--health: %w", err)
		}
		go func() {
			if err := health.Serve(ctx, listener); err != nil {
				teller(cmd)(fmt.Sprintf("--health: %v", err))
			}
		}()
	}
	if f.kind != runtimeBpfman {
		log := func(format string, args ...any) { teller(cmd)(fmt.Sprintf(format, args...)) }
		if f.serves {
			log = func(string, ...any) {} // the agent says it
		}
		health.Looked(nil)
		watchKernel(ctx, func() error {
			err := loader.Effective(opts)
			health.Looked(err)
			return err
		}, log)
		return running.Close()
	}
	follower := &bpfman.Follower{Place: opts, Options: f.bpfman, OnUnload: f.onUnload, Tell: teller(cmd), Looked: health.Looked}
	return follower.Run(ctx, running)
}
