// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
)

var watchers = []string{
	bytecode.KernelProgResumeWatch,
	bytecode.KernelProgResumeRstOut,
	bytecode.KernelProgResumeRstIn,
}

// Watcher is one of the programs that count what becomes of resumed connections.
type Watcher struct {
	Name       string `json:"name"`
	Tracepoint string `json:"tracepoint"`
	Program    uint32 `json:"program"`   // id; 0: none is loaded over these maps
	ByOthers   bool   `json:"by_others"` // bpfman has loaded it, and it is bpfman's to attach
	Attached   bool   `json:"attached"`
}

// watchersOver finds the watchers that anybody has loaded over these maps.
func watchersOver(maps mapSet, opts Options) (found []Watcher, err error) {
	stats, ok := maps[bytecode.KernelMapResumeStats]
	if !ok {
		return nil, nil
	}
	info, err := stats.Info()
	if err != nil {
		return nil, err
	}
	over, _ := info.ID()
	attached, ours := linkedPrograms(), pinnedWatchers(opts)
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if err != nil {
			return found, nil // the end, or no right to look: then nobody else's can be seen
		}
		id = next
		name, ok := watcherOver(id, over)
		if !ok {
			continue
		}
		found = append(found, Watcher{
			Name: name, Tracepoint: watchedEvent(name), Program: uint32(id),
			ByOthers: !ours[id], Attached: attached[id],
		})
	}
}

func watcherOver(id ebpf.ProgramID, stats ebpf.MapID) (string, bool) {
	prog, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return "", false
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil || info.Type != ebpf.TracePoint || !slices.Contains(watchers, info.Name) {
		return "", false
	}
	maps, _ := info.MapIDs()
	return info.Name, slices.Contains(maps, stats)
}

func pinnedWatchers(opts Options) map[ebpf.ProgramID]bool {
	ours := make(map[ebpf.ProgramID]bool)
	for _, name := range watchers {
		l, err := link.LoadPinnedLink(linkPin(opts.Pins, name), nil)
		if err != nil {
			continue
		}
		if info, err := l.Info(); err == nil {
			ours[info.Program] = true
		}
		l.Close()
	}
	return ours
}

// watchedEvent is where a watcher belongs, as its section says.
func watchedEvent(name string) string {
	spec, err := bytecode.LoadKernel()
	if err != nil || spec.Programs[name] == nil {
		return ""
	}
	return spec.Programs[name].AttachTo
}

func (s *State) inspectWatchers(opts Options) error {
	maps, err := pinnedMaps(opts)
	if err != nil {
		return err
	}
	defer maps.close()
	found, err := watchersOver(maps, opts)
	for _, name := range watchers {
		shown := Watcher{Name: name, Tracepoint: watchedEvent(name)}
		for _, w := range found {
			if w.Name == name && !shown.Attached {
				shown = w // one that counts outshines one that does not
			}
		}
		s.Watchers = append(s.Watchers, shown)
	}
	return err
}
