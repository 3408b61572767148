// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"path/filepath"
	"time"
)

// DefaultPins is where the embedded runtime pins maps and links.
const DefaultPins = "/sys/fs/bpf/tcpresume"

// Options say where tcpresume lives.
type Options struct {
	Pins     string      // directory on a bpffs; empty: DefaultPins
	Cgroup   string      // cgroup v2 directory; empty: the root of the mounted hierarchy
	MaxPaths uint32      // capacity of resume_paths for a first load; 0: 1 Mi
	Over     *Foundation // what a program manager has loaded; nil: maps of our own
	ByMap    bool        // register as kernels before 6.4 must, although this one has struct_ops links
	Adopt    bool        // take over what is up and has lost its pins
}

// State is what is in the kernel now.
type State struct {
	Pins      string    `json:"pins"`
	Origin    *Origin   `json:"origin,omitempty"` // nil: the embedded runtime
	Cgroup    string    `json:"cgroup"`           // path of the cgroup, empty if it is gone
	CgroupID  uint64    `json:"cgroup_id"`
	Program   Program   `json:"program"`
	Wrappers  []Wrapper `json:"wrappers"`
	Watchers  []Watcher `json:"watchers"`
	MapBytes  uint64    `json:"map_bytes"` // kernel memory of all maps
	MaxPaths  uint32    `json:"max_paths"`
	ServedBy  int       `json:"served_by,omitempty"` // pid of a running "tcpresume up"; 0: none
	Outdated  bool      `json:"outdated"`            // another version than this binary's
	StructOps bool      `json:"struct_ops"`          // false: windows only, see Wrapper.Reason
}

// Program is the attached sockops program.
type Program struct {
	ID     uint32        `json:"id"`
	Name   string        `json:"name"`
	Tag    string        `json:"tag"`
	Age    time.Duration `json:"age_ns"`
	LinkID uint32        `json:"link_id"`
}

// Wrapper is one of our congestion controls.
type Wrapper struct {
	Name       string `json:"name"` // resume_cubic
	CC         string `json:"cc"`   // cubic
	Registered bool   `json:"registered"`
	By         string `json:"by,omitempty"`     // link, or map where the kernel has no struct_ops links
	Reason     string `json:"reason,omitempty"` // why it is not registered, and what to do
}

// Finding is one line of the doctor.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// Status grades a Finding.
type Status string

// A Problem keeps tcpresume from working, a Warning from doing all it can.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Problem Status = "problem"
)

func (o Options) filled() Options {
	if o.Pins == "" {
		o.Pins = DefaultPins
	}
	o.Pins = filepath.Clean(o.Pins) // its parent is looked at
	return o
}
