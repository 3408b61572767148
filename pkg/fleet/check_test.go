// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a server cannot be reached without is looked at before, and no error
// shows a secret.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
	good, secret := file("seed", seed+"\n"), file("secret", "s3cret "+seed[:20])
	marked := file("marked", "\ufeff"+seed+"\n")
	nothing := filepath.Join(dir, "nothing")
	for _, c := range []struct {
		config Config
		want   string // empty: it is right
	}{
		{Config{}, ""},
		{Config{NKey: nothing}, ""}, // no fleet
		{Config{URL: "nats://a.example:4222,tls://b.example, c.example:1,[2001:db8::1]:4222"}, ""},
		{Config{URL: "nats://a", NKey: good}, ""},
		{Config{URL: "ws://a,wss://b"}, ""},
		{Config{URL: "nats://127.0.0.1:4222x"}, "server 1 is not as in"},
		{Config{URL: "nats://a,nats://me:s3cret/4@b:x"}, "server 2 is not as in"},
		{Config{URL: "nats://me:s3cret@:4222"}, "server 1 is not as in"},
		{Config{URL: "nats://a:0"}, "server 1"},
		{Config{URL: "nats://a:70000"}, "server 1"},
		{Config{URL: "http://a"}, "server 1"},
		{Config{URL: "nats://a,"}, "server 2"},
		{Config{URL: "nats://a,ws://b"}, "do not go together"},
		{Config{URL: "nats://a", NKey: nothing}, "nkey: open " + nothing},
		{Config{URL: "nats://a", NKey: marked}, "nkey: " + marked + " begins with a byte order mark"},
		{Config{URL: "nats://a", CA: marked}, "ca: " + marked + " begins with a byte order mark"},
		{Config{URL: "nats://a", NKey: dir}, "nkey: read " + dir},
		{Config{URL: "nats://a", NKey: secret}, "nkey"},
		{Config{URL: "nats://a", Credentials: nothing}, "credentials: open " + nothing},
		{Config{URL: "nats://a", Credentials: secret}, "credentials"},
		{Config{URL: "nats://a", CA: nothing}, "ca: open " + nothing},
		{Config{URL: "nats://a", CA: secret}, secret},
		{Config{URL: "nats://a", Cert: nothing, Key: secret}, "cert: open " + nothing},
		{Config{URL: "nats://a", Cert: secret, Key: secret}, "cert"},
	} {
		c.config.Name = "me"
		err := c.config.Check()
		if got := strings.Contains(errorText(err), c.want); !got || (err == nil) != (c.want == "") || strings.Contains(errorText(err), "s3cret") {
			t.Errorf("%+v: %v, want ...%s...", c.config, err, c.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
