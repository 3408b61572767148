// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/rig"
)

// memory is what the maps take, in bytes.
type memory struct {
	Capacity uint32
	Paths    uint64
	AllMaps  uint64
	Loading  int64
	Storing  int64
}

func (m *memory) account(r *rig.Rig) error {
	m.Capacity, m.AllMaps = r.State.MaxPaths, r.State.MapBytes
	paths, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(loader.DefaultPins), bytecode.KernelMapResumePaths), nil)
	if err != nil {
		return err
	}
	defer paths.Close()
	info, err := paths.Info()
	if err != nil {
		return err
	}
	m.Paths, _ = info.Memlock()
	return nil
}

func (m memory) table() table {
	perPath := func(bytes float64) string { return fmt.Sprintf("%.1f", bytes/float64(m.Capacity)) }
	return table{
		caption: fmt.Sprintf("Memory, capacity of %s paths", grouped(m.Capacity)),
		head:    []string{"", "bytes", "per path of the capacity"},
		rows: [][]string{
			{"map `resume_paths`, as the kernel accounts it", grouped(m.Paths), perPath(float64(m.Paths))},
			{"all maps, as the kernel accounts them", grouped(m.AllMaps), perPath(float64(m.AllMaps))},
			{"growth of the kernel's memory (VmallocUsed) by loading", grouped(m.Loading), perPath(float64(m.Loading))},
			{fmt.Sprintf("its growth by storing %s paths then", grouped(stocked[len(stocked)-1])), grouped(m.Storing), perPath(float64(m.Storing))},
		},
	}
}

// vmalloc is the kernel memory that large maps come from. The machine's other
// users of it are few, but the kernel frees maps some time after their end.
func vmalloc() int64 {
	last := vmallocNow()
	for steady := 0; steady < 5; steady++ {
		time.Sleep(100 * time.Millisecond)
		if now := vmallocNow(); now != last {
			last, steady = now, 0
		}
	}
	return last
}

func vmallocNow() int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	var kB int64
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "VmallocUsed: %d kB", &kB); n == 1 {
			break
		}
	}
	return kB << 10
}
