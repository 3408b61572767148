// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

const manifests = "../../manifests/"

// The NATS server that the manifests run takes agents with the rights that it
// gives, and makes the bucket for the first of them.
func TestTheManifestsServe(t *testing.T) {
	text, err := os.ReadFile(manifests + "nats/nats.conf")
	check.Must(t, err)
	public, file := keyFile(t)
	conf := strings.Replace(string(text), "UAREPLACEWITHTHEPUBLICKEYOFFLEETNK", public, 1)
	for _, own := range []string{`(?s)tls \{.*?\n\}\n`, `(?s)\ncluster \{.*?\n\}\n`, `\n +max_file_store:.*`, `\nhttp_port:.*`} { // one server, without certificates
		conf = regexp.MustCompile(own).ReplaceAllString(conf, "\n")
	}
	conf = strings.Replace(conf, "/data", t.TempDir(), 1)
	name := filepath.Join(t.TempDir(), "nats.conf")
	check.Must(t, os.WriteFile(name, []byte(conf), 0o600))
	t.Setenv("POD_NAME", "tcpresume-nats-0")
	opts, err := server.ProcessConfigFile(name)
	check.Must(t, err)
	b := newBus(t, func(o *server.Options) {
		*o = *opts
		o.Host, o.Port, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, true
	})

	section, err := agent.ReadConfig(manifests + "fleet/agent.yaml")
	check.Must(t, err)
	c := fleet.DefaultConfig()
	check.Must(t, section.Fleet.Decode(&c))
	if c.Replicas != 3 || c.NKey == "" || c.CA == "" || !strings.HasPrefix(c.URL, "tls://") {
		t.Errorf("the agents' configuration is %+v", c)
	}
	c.URL, c.NKey, c.CA, c.Replicas = b.ClientURL(), file, "", 1
	c.Name = "one"
	one := join(t, c).live(t)
	c.Name = "two"
	two := join(t, c).live(t)
	one.report(t, peer4, 300_000)
	one.report(t, peer6, 300_000)
	check.Eventually(t, patience, "the paths", func() bool { return two.has(peer4, 300_000) && two.has(peer6, 300_000) })
	for _, f := range fleet.Diagnose(t.Context(), c) {
		if !f.OK || f.Warn {
			t.Errorf("doctor: %+v", f)
		}
	}
}

// What is commented out in the example for one machine is right, too.
func TestTheExampleOfOneMachine(t *testing.T) {
	text, err := os.ReadFile(manifests + "systemd/agent.yaml")
	check.Must(t, err)
	_, example, found := strings.Cut(string(text), "\n# fleet:\n")
	if !found {
		t.Fatal("there is none")
	}
	var document struct{ Fleet fleet.Config }
	check.Must(t, yaml.Unmarshal([]byte("fleet:\n"+regexp.MustCompile(`(?m)^# `).ReplaceAllString(example, "")), &document))
	if c := document.Fleet; len(c.Out) != 1 || c.Site != "default" || c.Lifetime != fleet.DefaultConfig().Lifetime {
		t.Errorf("became %+v", c)
	}
}
