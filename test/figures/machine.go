// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// Machine is what the figures depend on.
type Machine struct {
	Date     string `json:"date"`
	Kernel   string `json:"kernel"`
	CPU      string `json:"cpu"`
	CPUs     int    `json:"cpus"`
	Go       string `json:"go"`
	Objects  string `json:"objects"` // names the BPF objects: equal ones have equal names
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
}

func machineNow() Machine {
	m := Machine{
		Date: time.Now().UTC().Format(time.DateOnly), CPU: runtime.GOARCH,
		CPUs: runtime.NumCPU(), Go: runtime.Version(), Objects: fmt.Sprintf("%016x", bytecode.Build()),
	}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		m.Kernel = unix.ByteSliceToString(uts.Release[:])
	}
	cpus, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpus)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, setting := range build.Settings {
		switch setting.Key {
		case "vcs.revision":
			m.Revision = setting.Value
		case "vcs.modified":
			m.Modified = setting.Value == "true"
		}
	}
	return m
}

// String is for the head of a report.
func (m Machine) String() string {
	text := fmt.Sprintf("%s: Linux %s, %d x %s, %s, BPF objects %s", m.Date, m.Kernel, m.CPUs, m.CPU, m.Go, m.Objects)
	if m.Revision != "" {
		text += ", revision " + m.Revision[:min(12, len(m.Revision))]
	}
	if m.Modified {
		text += " with changes"
	}
	return text
}
