// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Config says who may report what. The zero value lets root and the user that
// the agent runs as report global addresses.
type Config struct {
	Callers []Caller // the first that matches counts

	// SharedAfter is how many connections may report one address at the same
	// time before it is taken for shared by strangers, and left alone.
	SharedAfter int
	// Fresh is how long a sample counts among the others of its address.
	Fresh time.Duration
	// Group owns the sockets, so that its members can reach them; -1: the agent's own.
	Group int

	// Fleet is the section "fleet", which pkg/fleet reads; nil: there is none.
	Fleet *yaml.Node
}

// Caller is what some users and groups may do.
type Caller struct {
	UIDs     []uint32
	GIDs     []uint32       // primary group of the process
	Peers    []netip.Prefix // that may be reported; empty: every global address
	Rate     int            // reports a second, for each user
	Burst    int            // reports at once
	MaxPaths int            // that one user has in the store
	MaxCwnd  resume.Bytes   // larger windows are refused
	Exact    bool           // reports may ask for mode exact
	Read     bool           // may see all paths, events and metrics
}

// The values of what a configuration leaves out.
const (
	DefaultSharedAfter = 8
	DefaultFresh       = time.Minute
	DefaultRate        = 20_000
	DefaultMaxPaths    = 1 << 16
	DefaultMaxCwnd     = resume.Bytes(64 << 20)
)

// DefaultConfig is in force without a file.
func DefaultConfig() Config {
	return Config{SharedAfter: DefaultSharedAfter, Fresh: DefaultFresh, Group: -1}
}

// trusted is what root and the agent's own user may do, unless a file says otherwise.
func trusted() Caller {
	return Caller{Rate: DefaultRate, Burst: DefaultRate, MaxPaths: DefaultMaxPaths, MaxCwnd: DefaultMaxCwnd, Exact: true, Read: true}
}

// file is the YAML document.
type file struct {
	Callers     []fileCaller `yaml:"callers"`
	SharedAfter *int         `yaml:"shared-after"`
	Fresh       yaml.Node    `yaml:"fresh"`
	Group       yaml.Node    `yaml:"group"`
	Fleet       yaml.Node    `yaml:"fleet"`
}

type fileCaller struct {
	Users    []yaml.Node `yaml:"users"`
	Groups   []yaml.Node `yaml:"groups"`
	Peers    []yaml.Node `yaml:"peers"`
	Rate     *int        `yaml:"rate"`
	Burst    *int        `yaml:"burst"`
	MaxPaths *int        `yaml:"max-paths"`
	MaxCwnd  yaml.Node   `yaml:"max-cwnd"`
	Exact    bool        `yaml:"exact"`
	Read     bool        `yaml:"read"`
}

// ReadConfig reads a file.
func ReadConfig(name string) (Config, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	config, err := ParseConfig(text)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return config, nil
}

// ParseConfig reads YAML. Unknown and repeated fields are errors, and errors name their line.
func ParseConfig(text []byte) (Config, error) {
	config := DefaultConfig()
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); errors.Is(err, io.EOF) {
		return config, nil // an empty file
	} else if err != nil {
		return config, plainYAML(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return config, errors.New("the file goes on after its first document: keep one")
	}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	if f.SharedAfter != nil {
		config.SharedAfter = *f.SharedAfter
		note(between("shared-after", config.SharedAfter, 1, 1000))
	}
	if f.Fresh.Kind != 0 {
		note(scalar(&f.Fresh, "fresh", time.ParseDuration, &config.Fresh))
		if config.Fresh < time.Second || config.Fresh > time.Hour {
			note(fmt.Errorf("line %d: fresh %v is out of range: give 1s to 1h", f.Fresh.Line, config.Fresh))
		}
	}
	if f.Group.Kind != 0 {
		var gid uint32
		note(scalar(&f.Group, "group", groupID, &gid))
		config.Group = int(gid)
	}
	if f.Fleet.Kind != 0 {
		config.Fleet = &f.Fleet
	}
	for i, c := range f.Callers {
		caller, err := c.caller()
		if err != nil {
			note(fmt.Errorf("caller %d: %w", i+1, err))
		}
		config.Callers = append(config.Callers, caller)
	}
	return config, errors.Join(errs...)
}

func (f fileCaller) caller() (Caller, error) {
	c := Caller{Rate: DefaultRate, MaxPaths: DefaultMaxPaths, MaxCwnd: DefaultMaxCwnd, Exact: f.Exact, Read: f.Read}
	var errs []error
	for _, node := range f.Users {
		errs = append(errs, scalars(node, "user", userID, &c.UIDs))
	}
	for _, node := range f.Groups {
		errs = append(errs, scalars(node, "group", groupID, &c.GIDs))
	}
	for _, node := range f.Peers {
		errs = append(errs, scalars(node, "peer", peerPrefix, &c.Peers))
	}
	if len(f.Users)+len(f.Groups) == 0 {
		errs = append(errs, errors.New("neither users nor groups: say whom it is for"))
	}
	if slices.ContainsFunc(c.UIDs, nobody) || slices.ContainsFunc(c.GIDs, nobody) {
		errs = append(errs, fmt.Errorf("%d is what the kernel calls everybody it cannot name, of other user namespaces too: run the server as a user of its own", overflowID))
	}
	if f.Rate != nil {
		c.Rate = *f.Rate
		errs = append(errs, between("rate", c.Rate, 1, 10_000_000))
	}
	c.Burst = c.Rate
	if f.Burst != nil {
		c.Burst = *f.Burst
		errs = append(errs, between("burst", c.Burst, 1, 10_000_000))
	}
	if f.MaxPaths != nil {
		c.MaxPaths = *f.MaxPaths
		errs = append(errs, between("max-paths", c.MaxPaths, 1, math.MaxInt32))
	}
	if f.MaxCwnd.Kind != 0 {
		errs = append(errs, scalar(&f.MaxCwnd, "max-cwnd", resume.ParseBytes, &c.MaxCwnd))
		if c.MaxCwnd == 0 {
			errs = append(errs, errors.New("max-cwnd is 0: give the largest window that is taken"))
		}
	}
	return c, errors.Join(errs...)
}
