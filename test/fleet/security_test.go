// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/test/check"
)

// rights are those of docs/fleet.md for a machine of a name.
func rights(name string) *server.Permissions {
	const bucket = "KV_tcpresume_test"
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			subject + "v4.>", subject + "v6.>", subject + "node." + name,
			"$JS.API.STREAM.INFO." + bucket, "$JS.API.DIRECT.GET." + bucket + ".>",
			"$JS.API.CONSUMER.CREATE." + bucket + ".>", "$JS.API.CONSUMER.MSG.NEXT." + bucket + ".>",
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX." + name + ".>"}},
	}
}

// keyFile makes an identity and keeps its seed in a file.
func keyFile(t *testing.T) (public, file string) {
	t.Helper()
	pair, err := nkeys.CreateUser()
	check.Must(t, err)
	public, err = pair.PublicKey()
	check.Must(t, err)
	seed, err := pair.Seed()
	check.Must(t, err)
	file = filepath.Join(t.TempDir(), "user.nk")
	check.Must(t, os.WriteFile(file, seed, 0o600))
	return public, file
}

// certificate makes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check.Must(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	check.Must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// A bucket that somebody else has made, TLS, and no right beyond the documented ones.
func TestTLSAndTheLeastRights(t *testing.T) {
	oneKey, oneFile := keyFile(t)
	twoKey, twoFile := keyFile(t)
	makerKey, makerFile := keyFile(t)
	certificate, ca := certificate(t)
	b := newBus(t, func(o *server.Options) {
		o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
		o.TLS, o.TLSTimeout = true, 5
		o.Nkeys = []*server.NkeyUser{{Nkey: oneKey, Permissions: rights("one")}, {Nkey: twoKey, Permissions: rights("two")}, {Nkey: makerKey}}
	})
	secure := func(name, file string) fleet.Config {
		c := config(b, name)
		c.URL, c.NKey, c.CA = "tls://"+b.Addr().String(), file, ca
		return c
	}
	join(t, secure("maker", makerFile)).live(t).stop()
	one, two := join(t, secure("one", oneFile)).live(t), join(t, secure("two", twoFile)).live(t)
	one.report(t, peer4, 300_000)
	one.report(t, peer6, 300_000)
	check.Eventually(t, patience, "the paths", func() bool { return two.has(peer4, 300_000) && two.has(peer6, 300_000) })
	if s := two.Status(); s.Error != "" || s.Members != 3 {
		t.Errorf("%d members, error %q", s.Members, s.Error)
	}

	// One that is not who it says it is.
	liar := join(t, secure("one", twoFile))
	check.Eventually(t, patience, "the refusal", func() bool { return strings.Contains(strings.ToLower(liar.Status().Error), "permission") })
	if s := liar.Status(); s.State != fleet.StateAlone {
		t.Errorf("state %s", s.State)
	}
}

// Rights can be prefixes.
func TestARightForAPrefix(t *testing.T) {
	oneKey, oneFile := keyFile(t)
	twoKey, twoFile := keyFile(t)
	narrow := rights("one")
	narrow.Publish.Allow[0] = subject + "v4.203.0.113.*"
	b := newBus(t, func(o *server.Options) {
		o.Nkeys = []*server.NkeyUser{{Nkey: oneKey, Permissions: narrow}, {Nkey: twoKey}}
	})
	c := config(b, "two")
	c.NKey = twoFile
	two := join(t, c).live(t)
	c = config(b, "one")
	c.NKey = oneFile
	one := join(t, c).live(t)
	one.report(t, netip.MustParseAddr("198.51.100.1"), 300_000)
	one.report(t, peer4, 300_000)
	check.Eventually(t, patience, "the path that may leave", func() bool { return two.has(peer4, 300_000) })
	check.Eventually(t, patience, "the complaint", func() bool { return strings.Contains(strings.ToLower(one.Status().Error), "permission") })
	check.Same(t, "paths", len(two.maps.contents()), 1)
}

// Credentials as "nsc" makes them: an operator, an account, a user.
func TestCredentialsOfAnOperator(t *testing.T) {
	operator, err := nkeys.CreateOperator()
	check.Must(t, err)
	operatorKey, err := operator.PublicKey()
	check.Must(t, err)
	account, err := nkeys.CreateAccount()
	check.Must(t, err)
	accountKey, err := account.PublicKey()
	check.Must(t, err)
	accountClaims := jwt.NewAccountClaims(accountKey)
	accountClaims.Limits.JetStreamLimits.MemoryStorage, accountClaims.Limits.JetStreamLimits.DiskStorage = -1, -1
	accountJWT, err := accountClaims.Encode(operator)
	check.Must(t, err)
	operatorJWT, err := jwt.NewOperatorClaims(operatorKey).Encode(operator)
	check.Must(t, err)
	operatorClaims, err := jwt.DecodeOperatorClaims(operatorJWT)
	check.Must(t, err)
	resolver := &server.MemAccResolver{}
	check.Must(t, resolver.Store(accountKey, accountJWT))
	system, err := nkeys.CreateAccount()
	check.Must(t, err)
	systemKey, err := system.PublicKey()
	check.Must(t, err)
	systemJWT, err := jwt.NewAccountClaims(systemKey).Encode(operator)
	check.Must(t, err)
	check.Must(t, resolver.Store(systemKey, systemJWT))
	b := newBus(t, func(o *server.Options) {
		o.SystemAccount = systemKey
		o.TrustedOperators, o.AccountResolver = []*jwt.OperatorClaims{operatorClaims}, resolver
	})
	creds := func(name string) string {
		user, err := nkeys.CreateUser()
		check.Must(t, err)
		userKey, err := user.PublicKey()
		check.Must(t, err)
		userJWT, err := jwt.NewUserClaims(userKey).Encode(account)
		check.Must(t, err)
		seed, err := user.Seed()
		check.Must(t, err)
		text, err := jwt.FormatUserConfig(userJWT, seed)
		check.Must(t, err)
		file := filepath.Join(t.TempDir(), name+".creds")
		check.Must(t, os.WriteFile(file, text, 0o600))
		return file
	}
	c := config(b, "one")
	c.Credentials = creds("one")
	one := join(t, c).live(t)
	c = config(b, "two")
	c.Credentials = creds("two")
	two := join(t, c).live(t)
	one.report(t, peer4, 300_000)
	check.Eventually(t, patience, "the path", func() bool { return two.has(peer4, 300_000) })
	nobody := join(t, config(b, "three"))
	check.Eventually(t, patience, "the refusal", func() bool { return strings.Contains(strings.ToLower(nobody.Status().Error), "authorization") })
}
