// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

// copied puts a file's text in place of another's, as a mounted secret changes.
func copied(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	check.Must(t, err)
	check.Must(t, os.WriteFile(to+".new", text, 0o600))
	check.Must(t, os.Rename(to+".new", to))
}

// again waits until a machine is live in its next session.
func (m *machine) again(t *testing.T, before fleet.Status) {
	t.Helper()
	check.Eventually(t, patience, "being live again", func() bool {
		s := m.Status()
		return s.State == fleet.StateLive && s.Since.Sub(before.Since) > time.Millisecond
	})
}

// An identity that was replaced in its file counts at the next connection, also
// where the old one was tried meanwhile.
func TestANewKeyInItsFile(t *testing.T) {
	oldKey, file := keyFile(t)
	newKey, newFile := keyFile(t)
	b := newBus(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: oldKey}} })
	c := config(b, "one")
	c.NKey = file
	m := join(t, c).live(t)
	m.report(t, peer4, 300_000)
	check.Eventually(t, patience, "publishing", func() bool { return m.Status().Counts["in_own"] == 1 })
	before := m.Status()
	b.stop()
	b.opts.Nkeys = []*server.NkeyUser{{Nkey: newKey}}
	b.start(t)
	check.Eventually(t, patience, "the refusal of the old key", func() bool { s := m.Status(); return s.State == fleet.StateAlone && s.Error != "" })
	check.Must(t, os.WriteFile(file, []byte("half of a s"), 0o600)) // somebody writes it slowly
	copied(t, newFile, file)
	m.again(t, before)

	c.Name, c.NKey = "two", newFile
	two := join(t, c).live(t)
	m.report(t, peer6, 400_000)
	check.Eventually(t, patience, "a path of the one with the new key", func() bool { return two.has(peer6, 400_000) })
}

// The same for an authority and a client's certificate.
func TestNewCertificatesInTheirFiles(t *testing.T) {
	oldCert, oldFile := certificate(t)
	newCert, newFile := certificate(t)
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	keyText := func(c tls.Certificate) string {
		der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
		check.Must(t, err)
		name := filepath.Join(t.TempDir(), "key.pem")
		check.Must(t, os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
		return name
	}
	serving := func(o *server.Options, c tls.Certificate) {
		trusted := x509.NewCertPool()
		leaf, err := x509.ParseCertificate(c.Certificate[0])
		check.Must(t, err)
		trusted.AddCert(leaf)
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS13, ClientCAs: trusted, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	install := func(c tls.Certificate, file string) {
		copied(t, file, ca)
		copied(t, file, cert)
		copied(t, keyText(c), key)
	}
	b := newBus(t, func(o *server.Options) { serving(o, oldCert); o.TLS, o.TLSTimeout = true, 5 })
	install(oldCert, oldFile)
	c := config(b, "one")
	c.URL, c.CA, c.Cert, c.Key = "tls://"+b.Addr().String(), ca, cert, key
	m := join(t, c).live(t)
	before := m.Status()
	b.stop()
	serving(&b.opts, newCert)
	b.start(t)
	check.Eventually(t, patience, "the refusal of the old ones", func() bool { return m.Status().State == fleet.StateAlone })
	install(newCert, newFile)
	m.again(t, before)
}

// What a new configuration cannot put in force is not passed over in silence.
func TestAReloadSaysWhatTakesANewStart(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	m := join(t, c).live(t)
	c.Interval, c.Out, c.MaxPaths = 0, nil, 7
	m.Reload(c)
	before := len(m.log.said())
	c.URL = "nats://elsewhere"
	m.Reload(c)
	if said := m.log.said(); len(said) != before+1 || !strings.Contains(said[before], "restart the agent") {
		t.Errorf("after %d lines it said %q", before, said)
	}
}
