// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

func found(t *testing.T, c fleet.Config) (all []string) {
	t.Helper()
	for _, f := range fleet.Diagnose(t.Context(), c) {
		state := "problem"
		switch {
		case f.OK && f.Warn:
			state = "warning"
		case f.OK:
			state = "ok"
		}
		if state != "ok" && f.Remedy == "" {
			t.Errorf("%+v names no remedy", f)
		}
		all = append(all, f.Check+" "+state)
		t.Log(f.Check, state, f.Detail)
	}
	return all
}

func TestDoctor(t *testing.T) {
	oneKey, oneFile := keyFile(t)
	silentKey, silentFile := keyFile(t)
	deafKey, deafFile := keyFile(t)
	makerKey, makerFile := keyFile(t)
	silent, deaf := rights("silent"), rights("deaf")
	silent.Publish.Allow = slices.DeleteFunc(silent.Publish.Allow, func(s string) bool { return strings.Contains(s, ".v4.") })
	deaf.Publish.Allow = slices.DeleteFunc(deaf.Publish.Allow, func(s string) bool { return strings.Contains(s, "STREAM.INFO") })
	b := newBus(t, func(o *server.Options) {
		o.Nkeys = []*server.NkeyUser{
			{Nkey: oneKey, Permissions: rights("one")}, {Nkey: makerKey},
			{Nkey: silentKey, Permissions: silent}, {Nkey: deafKey, Permissions: deaf},
		}
	})
	with := func(name, file string) fleet.Config {
		c := config(b, name)
		c.NKey = file
		return c
	}
	check.Same(t, "without a bucket", found(t, with("one", oneFile)), []string{"fleet server ok", "fleet bucket warning"})
	join(t, with("maker", makerFile)).live(t).stop()
	well := []string{"fleet server ok", "fleet JetStream ok", "fleet bucket ok", "fleet rights ok", "fleet rights ok", "fleet clock ok"}
	check.Same(t, "all well", found(t, with("one", oneFile)), well)
	mute := slices.Clone(well)
	mute[3] = "fleet rights warning"
	check.Same(t, "without the right to publish", found(t, with("silent", silentFile)), mute)
	check.Same(t, "without the right to look", found(t, with("deaf", deafFile)), []string{"fleet server ok", "fleet bucket problem"})
	check.Same(t, "without an identity", found(t, config(b, "nobody")), []string{"fleet server problem"})
	b.stop()
	check.Same(t, "without a server", found(t, with("one", oneFile)), []string{"fleet server problem"})

	bare := newBus(t, func(o *server.Options) { o.JetStream = false })
	check.Same(t, "without JetStream", found(t, config(bare, "one")), []string{"fleet server ok", "fleet JetStream problem"})
}
