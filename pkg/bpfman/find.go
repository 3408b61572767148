// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
)

// ErrNothing is wrapped if bpfman has loaded nothing of ours, as far as can be seen.
var ErrNothing = errors.New("bpfman has loaded nothing of tcpresume that can run")

// errUnasked is an ErrNothing where nobody could be asked: bpfman may be restarting.
var errUnasked = fmt.Errorf("%w", ErrNothing)

// Generation is one load of ours in bpfman: a program and its maps, open.
type Generation struct {
	loader.Foundation
	MapsDir string // where bpfman pins its maps, empty where that is out of sight
	FoundBy string
	Notes   []string // what was wrong with other answers

	program *program
}

// Close releases program and maps; what is in the kernel stays.
func (g *Generation) Close() {
	if g != nil {
		g.program.Close()
		mapSet(g.Maps).close()
	}
}

// Find asks one source after the other and takes the youngest program that holds
// good: the sockops program where bpfman could load it, or else the companion.
func Find(ctx context.Context, opts Options) (*Generation, error) {
	opts = opts.filled()
	var notes, asked []string
	answered := 0
	for _, source := range opts.sources() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		asked = append(asked, source.String())
		claims, err := source.Claims(ctx)
		if errors.Is(err, ErrAbsent) {
			asked[len(asked)-1] += " (" + err.Error() + ")"
			continue
		}
		if errors.Is(err, ErrUnsettled) {
			return nil, err
		}
		if err != nil {
			notes = append(notes, err.Error())
			continue
		}
		answered++
		found, wrong := confirm(claims, opts)
		notes = append(notes, wrong...)
		if found == nil && len(claims) > 0 && slices.Contains(opts.Sources, source) {
			// The operator will load anew what died, and say so.
			return nil, fmt.Errorf("%w: %s: %s", ErrUnsettled, source, strings.Join(notes, "; "))
		}
		if found != nil {
			found.FoundBy, found.Notes = source.String(), notes
			return found, nil
		}
	}
	text := "asked " + strings.Join(asked, ", ")
	if len(notes) > 0 {
		text += "; " + strings.Join(notes, "; ")
	}
	nothing := ErrNothing
	if answered == 0 {
		nothing = errUnasked
	}
	return nil, fmt.Errorf("%w: %s; load the image in bpfman (docs/bpfman.md)", nothing, text)
}

// confirm returns the best of the claims, with its maps open, and what is wrong with others.
func confirm(claims []Claim, opts Options) (*Generation, []string) {
	var (
		programs []*program
		wrong    []string
		part     []string // programs of ours that only go with others
	)
	for _, claim := range claims {
		if claim.ID == 0 {
			if claim.ID = userOf(claim.MapsDir); claim.ID == 0 {
				wrong = append(wrong, fmt.Sprintf("no program of tcpresume uses the maps in %s, as far as this process may see (CAP_SYS_ADMIN)", claim.MapsDir))
				continue
			}
		}
		switch claim.Name {
		case "", bytecode.KernelProgTcpResume, bytecode.KernelProgResumeWatch:
		case bytecode.KernelProgResumeRstIn, bytecode.KernelProgResumeRstOut:
			part = append(part, claim.Name)
			continue
		default:
			continue
		}
		p, err := openProgram(claim, opts.Root)
		switch {
		case err == nil:
			programs = append(programs, p)
		case !errors.Is(err, errOther) || opts.ProgramID != 0 || claim.Name != "":
			wrong = append(wrong, err.Error())
		}
	}
	slices.SortStableFunc(programs, func(a, b *program) int {
		return cmp.Or(-cmp.Compare(a.mode, b.mode), -cmp.Compare(a.loaded, b.loaded), -cmp.Compare(a.ID, b.ID))
	})
	var found *Generation
	for _, p := range programs {
		if found != nil {
			p.Close()
			continue
		}
		g, err := p.generation(opts)
		if err != nil {
			wrong = append(wrong, err.Error())
			p.Close()
			continue
		}
		found = g
	}
	if found == nil && len(part) > 0 && len(wrong) == 0 {
		wrong = append(wrong, fmt.Sprintf("it has loaded %s, and not %s, whose maps a runtime needs: load the image again, with \"--programs tracepoint:%[2]s\" among them",
			strings.Join(part, " and "), bytecode.KernelProgResumeWatch))
	}
	return found, wrong
}

func (p *program) generation(opts Options) (*Generation, error) {
	dirs := p.mapsDirs(opts.Root)
	maps, err := p.openMaps(dirs...)
	if err != nil {
		return nil, err
	}
	g := &Generation{program: p}
	g.Origin = loader.Origin{Manager: Manager, Mode: p.mode, Program: p.ID, Tag: p.tag}
	g.Program, g.Maps = p.Program, maps
	if len(dirs) > 0 {
		g.MapsDir = dirs[0]
	}
	return g, nil
}

// Manager is how bpfman is called in a loader.Origin.
const Manager = "bpfman"
