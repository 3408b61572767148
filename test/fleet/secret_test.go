// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

const password = "s3cr3t-pw"

// hidden fails where the password is.
func hidden(t *testing.T, where string, thing any) {
	t.Helper()
	text, err := json.Marshal(thing)
	check.Must(t, err)
	if strings.Contains(string(text), password) || strings.Contains(fmt.Sprintf("%+v", thing), password) {
		t.Errorf("%s shows the password: %s", where, text)
	}
}

// Whatever form a URL has and whatever fails, nothing that is said holds its password.
func TestAPasswordIsNeverSaid(t *testing.T) {
	b := newBus(t, func(o *server.Options) { o.Username, o.Password = "agent", password })
	at := b.Addr().String()
	for _, url := range []string{
		"nats://agent:" + password + "@" + at, "agent:" + password + "@" + at,
		"agent:" + password + "@127.0.0.1:1", "nats://agent:" + password + "@127.0.0.1:4222x", "nats://other:" + password + "@" + at,
		"nats://agent:" + password + "x@" + at, password + "@" + at, "nats://agent:" + password + "/@" + at, "nats://agent:" + password + "," + password + "@" + at,
		"tls://agent:" + password + "@" + at, "nats://agent:" + password + "@" + at + ",nats://127.0.0.1:1", "nats://agent:" + password, "nats://" + password + "@",
	} {
		for _, change := range []func(*fleet.Config){
			func(*fleet.Config) {},
			func(c *fleet.Config) { c.CA = filepath.Join(t.TempDir(), "missing.pem") },
			func(c *fleet.Config) { c.NKey = filepath.Join(t.TempDir(), "missing.nk") },
		} {
			c := config(b, "one")
			c.URL = url
			change(&c)
			hidden(t, url+": doctor", fleet.Diagnose(t.Context(), c))
			log := &journal{}
			f, err := fleet.New(fleet.Options{Config: c, Maps: newMemory(), Log: func(format string, args ...any) { log.note(fmt.Sprintf(format, args...)) }})
			if err != nil {
				hidden(t, url+": configuration", err.Error())
				continue
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- f.Run(ctx) }()
			check.Eventually(t, patience, url+": some state", func() bool {
				s := f.Status()
				hidden(t, url+": status", s)
				return s.State == fleet.StateLive || s.Error != "" || len(ended) > 0
			})
			cancel()
			if err := <-ended; err != nil {
				hidden(t, url+": the end", err.Error())
			}
			hidden(t, url+": log", log.said())
		}
	}
}

// What should be in a file is not taken for the file's name, and not quoted.
func TestAKeyInPlaceOfItsFile(t *testing.T) {
	_, file := keyFile(t)
	seed, err := os.ReadFile(file)
	check.Must(t, err)
	for name, change := range map[string]func(c *fleet.Config, content string){
		"nkey":        func(c *fleet.Config, s string) { c.NKey = s },
		"credentials": func(c *fleet.Config, s string) { c.Credentials = s },
		"ca":          func(c *fleet.Config, s string) { c.CA = s },
		"key":         func(c *fleet.Config, s string) { c.Cert, c.Key = "cert.pem", s },
	} {
		for _, content := range []string{string(seed), "-----BEGIN PRIVATE KEY-----\n" + string(seed), "eyJ" + string(seed)} {
			c := fleet.DefaultConfig()
			c.URL = "nats://127.0.0.1:1"
			change(&c, content)
			err := c.Validate()
			if err == nil || strings.Contains(err.Error(), string(seed)) || !strings.Contains(err.Error(), name+" ") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
