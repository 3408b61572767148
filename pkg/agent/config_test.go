// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestParseConfig(t *testing.T) {
	for text, want := range map[string]Config{
		"":                      DefaultConfig(),
		"# nothing but words\n": DefaultConfig(),
		`
shared-after: 3
fresh: 30s
group: 12
callers:
  - users: [root, 33]
    groups: [44]
    peers: [0.0.0.0/0, "::/0", 192.0.2.1]
    rate: 500
    burst: 1000
    max-paths: 10
    max-cwnd: 2MiB
    exact: true
    read: true
  - users: [1000]
`: {SharedAfter: 3, Fresh: 30 * time.Second, Group: 12, Callers: []Caller{
			{
				UIDs: []uint32{0, 33}, GIDs: []uint32{44}, Rate: 500, Burst: 1000, MaxPaths: 10, MaxCwnd: 2 << 20, Exact: true, Read: true,
				Peers: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("192.0.2.1/32")},
			},
			{UIDs: []uint32{1000}, Rate: DefaultRate, Burst: DefaultRate, MaxPaths: DefaultMaxPaths, MaxCwnd: DefaultMaxCwnd},
		}},
	} {
		if got, err := ParseConfig([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n  gave %+v, %v\n  want %+v", text, got, err, want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	caller := func(more string) string { return "callers:\n  - users: [1]\n    " + more + "\n" }
	for text, want := range map[string]string{
		"callers: [":                          "line 1: did not find expected node content",
		"caller: []":                          "line 1: field caller is unknown: use callers, shared-after, fresh, group, fleet",
		"callers: 5":                          "line 1: cannot unmarshal !!int `5` into a list of callers",
		"callers: []\ncallers: []":            `line 2: mapping key "callers" already defined at line 1`,
		"fresh: 1m\n---\nfresh: 2m":           "goes on after its first document",
		"fresh: soon":                         `line 1: fresh: time: invalid duration "soon"`,
		"fresh: 10ms":                         "line 1: fresh 10ms is out of range: give 1s to 1h",
		"fresh: [1s]":                         "line 1: fresh is not one value",
		"shared-after: 0":                     "shared-after 0 is out of range: give 1 to 1000",
		"shared-after: many":                  "line 1: cannot unmarshal !!str `many` into a whole number",
		"group: no-such-group":                `line 1: group: "no-such-group" is neither a number nor a group of this machine`,
		"callers:\n  - rate: 5":               "caller 1: neither users nor groups",
		"callers:\n  - users: [65534]":        "caller 1: 65534 is what the kernel calls everybody it cannot name",
		"callers:\n  - groups: [65534]":       "caller 1: 65534 is what",
		"callers:\n  - users: [no-such-user]": `caller 1: line 2: user: "no-such-user" is neither a number nor a user of this machine`,
		caller("peer: [0.0.0.0/0]"):           "line 3: field peer is unknown: use users, groups, peers,",
		caller("peers: [192.0.2.1/24]"):       "line 3: peer: \"192.0.2.1/24\" has bits set behind its length: did you mean 192.0.2.0/24?",
		caller("peers: [default]"):            `"default" is for policies`,
		caller("rate: 0"):                     "rate 0 is out of range",
		caller("burst: -1"):                   "burst -1 is out of range",
		caller("max-paths: 0"):                "max-paths 0 is out of range",
		caller("max-cwnd: 0"):                 "max-cwnd is 0",
		caller("max-cwnd: 5GiB"):              "is too large",
		caller("exact: perhaps"):              "into true or false",
		caller("users: [2]"):                  `mapping key "users" already defined`,
	} {
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n  gave %v\n  want ...%s...", text, err, want)
		}
	}
	if _, err := ReadConfig(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(unwrapped(err)) {
		t.Errorf("a missing file gave %v", err)
	}
}

func unwrapped(err error) error {
	for {
		next, ok := err.(interface{ Unwrap() error })
		if !ok {
			return err
		}
		if os.IsNotExist(err) {
			return err
		}
		err = next.Unwrap()
	}
}

// The example that people copy is right, and says every default.
func TestExampleConfig(t *testing.T) {
	config, err := ReadConfig("../../manifests/systemd/agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if config.SharedAfter != DefaultSharedAfter || config.Fresh != DefaultFresh || len(config.Callers) == 0 {
		t.Errorf("the example says %+v", config)
	}
	if c := config.Callers[0]; c.Rate != DefaultRate || c.MaxPaths != DefaultMaxPaths || c.MaxCwnd != DefaultMaxCwnd {
		t.Errorf("the example's caller is %+v", c)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("callers:\n  - users: [0]\n    peers: [192.0.2.0/24]\n    max-cwnd: 1MiB\nfresh: 1m\n"))
	f.Add([]byte("a: &a [*a]\nfresh: *a"))
	f.Fuzz(func(t *testing.T, text []byte) {
		config, err := ParseConfig(text)
		if err != nil {
			return
		}
		for _, c := range config.Callers {
			if len(c.UIDs)+len(c.GIDs) == 0 || c.Rate < 1 || c.Burst < 1 || c.MaxPaths < 1 || c.MaxCwnd == resume.Bytes(0) {
				t.Fatalf("%q gave %+v", text, c)
			}
			for _, uid := range c.UIDs {
				if nobody(uid) {
					t.Fatalf("%q allows uid %d", text, uid)
				}
			}
		}
	})
}
