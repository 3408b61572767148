// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func parse(text string) (Config, error) {
	var document struct{ Fleet yaml.Node }
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return Config{}, err
	}
	var c Config
	return c, document.Fleet.Decode(&c)
}

func TestConfig(t *testing.T) {
	got, err := parse(`
fleet:
  url: tls://a.example:4222,tls://b.example:4222
  site: fra
  name: edge-17
  credentials: /etc/tcpresume/fleet.creds
  ca: /etc/tcpresume//ca.pem/
  tls-first: true
  out: [203.0.113.0/24, 2001:db8::/32]
  in: [0.0.0.0/0]
  max-cwnd: 4MiB
  lifetime: 5m
  max-paths: 1000
  exact: true
  interval: 500ms
  queue: 10
  netns: /run/netns/blue/
  replicas: 3
  storage: file
  max-bytes: 64MiB
`)
	want := Config{
		URL: "tls://a.example:4222,tls://b.example:4222", Site: "fra", Name: "edge-17",
		Credentials: "/etc/tcpresume/fleet.creds", CA: "/etc/tcpresume/ca.pem", TLSFirst: true,
		Out: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")},
		In:  []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, MaxCwnd: 4 << 20, Lifetime: 5 * time.Minute, MaxPaths: 1000, Exact: true,
		Interval: 500 * time.Millisecond, Queue: 10, Netns: "/run/netns/blue", Replicas: 3, Storage: "file", MaxBytes: 64 << 20,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("became %+v, %v\nwant %+v", got, err, want)
	}
	got, err = parse("fleet: {url: nats://a}")
	want = DefaultConfig()
	want.URL = "nats://a"
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("defaults are %+v, %v\nwant %+v", got, err, want)
	}
}

func TestConfigsThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"{url: nats://a, sites: fra}": "line 1: field sites of fleet is unknown: use url, site, name",
		"[1]":                         "line 1: fleet is not a list of fields",
		"{site: a.b}":                 `site "a.b"`,
		"{name: 'x y'}":               `name "x y"`,
		"{out: [10.0.0.1/8]}":         "did you mean 10.0.0.0/8",
		"{in: [default]}":             `give 0.0.0.0/0 and ::/0`,
		"{max-cwnd: 5 potatoes}":      "is not a size",
		"{lifetime: soon}":            "lifetime:",
		"{lifetime: 1ms}":             "give 1s to",
		"{replicas: 2}":               "use 1, 3 or 5",
		"{storage: tape}":             "use memory or file",
		"{queue: 0}":                  "queue 0",
		"{cert: x}":                   "cert and key go together",
		"{credentials: x, nkey: y}":   "give one",
		"{interval: 2m}":              "interval 2m0s is out of range",
	} {
		if _, err := parse("fleet: " + text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want ...%s...", text, err, want)
		}
	}
}
