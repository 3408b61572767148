// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"testing"
)

// Whatever the URL's form, its password is not shown, and not in what others say of it.
func TestNoFormOfAURLShowsItsPassword(t *testing.T) {
	for list, shown := range map[string]string{
		"nats://agent:s3cr3t-pw@h:4222":        "nats://h:4222",
		"agent:s3cr3t-pw@h:4222":               "h:4222",
		"s3cr3t-pw@h":                          "h",
		"tls://s3cr3t-pw@[2001:db8::1]:4222":   "tls://[2001:db8::1]:4222",
		"nats://agent:s3cr3t-pw@h:4222x":       "***",
		"nats://agent:s3cr3t-pw@":              "***",
		"nats://agent:s3cr3t-pw":               "***",
		"nats://a:s3cr3t-pw/x?y#z@h:1":         "nats://h:1",
		"nats://a:s3cr3t-pw@b@h:1":             "nats://h:1",
		"nats://a:s3cr3t-pw,more@h:1":          "***,h:1",
		"nats://a:1,s3cr3t-pw@h:1":             "***,h:1",
		"nats://a:1, tls://b:s3cr3t-pw@c:2 ,d": "nats://a:1,tls://c:2,d",
		"nats://agent:s3cr3t%2Dpw@h:4222":      "nats://h:4222",
		"ws://h:80/path?token=s3cr3t-pw":       "ws://h:80",
		"nats://agent:s3cr3t-pw@h:4222/%zz":    "nats://h:4222",
		"nats://h:1,nats://h:2":                "nats://h:1,nats://h:2",
		"nats:// agent:s3cr3t-pw@h":            "nats://h",
		`nats://agent:s3cr3t-pw"@h`:            "nats://h",
		"nats//agent:s3cr3t-pw@h":              "h",
		"NATS://AGENT:s3cr3t-pw@H":             "NATS://H",
	} {
		if got := Servers(list); got != shown {
			t.Errorf("%s is shown as %s, want %s", list, got, shown)
		}
		_, parsed := url.Parse(list)
		said := Error(fmt.Errorf("connecting to %s, which is %q: %w, %w", list, list, fs.ErrNotExist, errors.Join(parsed)), list)
		if text := said.Error(); strings.Contains(text, "s3cr3t") && !strings.Contains(list, "?token") || !strings.Contains(text, "connecting to") {
			t.Errorf("%s: said as %s", list, text)
		}
		if !errors.Is(said, fs.ErrNotExist) {
			t.Errorf("%s: the error is another", list)
		}
	}
}

func TestWordsWithoutSecretsStay(t *testing.T) {
	for _, words := range []string{"dial tcp 127.0.0.1:1: connect: connection refused", "nats://h:1 says no", "ghcr.io/x@sha256:aa", "https://ghcr.io/x@sha256:aa"} {
		if got := Words(words, "nats://h:1", "nats://a:b@h:2"); got != words {
			t.Errorf("%q became %q", words, got)
		}
	}
	if got := Text(`parse "https://u:s3cr3t@h/": bad`); got != `parse "https://***@h/": bad` {
		t.Errorf("became %s", got)
	}
}

func TestReadable(t *testing.T) {
	for list, place := range map[string]int{
		"nats://h": 0, "h:4222,u:p@h2": 0, "": 1, "nats://h,": 2, "nats://h:4222x": 1, "nats://h, nats://u:p%zz@h": 2, "nats://u:a,b@h": 1, "nats://[::1": 1,
	} {
		if at, ok := Readable(list); at != place || ok != (place == 0) {
			t.Errorf("%q: %d, %v; want %d", list, at, ok, place)
		}
	}
}

func TestIsContent(t *testing.T) {
	for text, want := range map[string]bool{
		"/etc/tcpresume/fleet.nk": false, "SECRET.nk": false, "SUAOKZ3CYU5CEXI4DBEAIW7VXAGPMOXY3ZYUM4ODSNHXLDHB4BMXQCBB5E": true,
		"-----BEGIN NATS USER JWT-----\neyJ": true, "eyJ0eXAiOiJKV1Qi": true,
	} {
		if IsContent(text) != want {
			t.Errorf("%q: want %v", text, want)
		}
	}
}
