// SPDX-License-Identifier: Apache-2.0

package example

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Certificate is a self-signed one with its key, in files.
type Certificate struct {
	Cert, Key string
	// KeyHash is the base64 SHA-256 of the public key, by which a browser can
	// be told to take it.
	KeyHash string
}

// NewCertificate makes a certificate for a name in a directory.
func NewCertificate(directory, name string) (Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return Certificate{}, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Certificate{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return Certificate{}, err
	}
	hash := sha256.Sum256(public)
	c := Certificate{
		Cert: filepath.Join(directory, "cert.pem"), Key: filepath.Join(directory, "key.pem"),
		KeyHash: base64.StdEncoding.EncodeToString(hash[:]),
	}
	return c, errors.Join(writePEM(c.Cert, "CERTIFICATE", der), writePEM(c.Key, "PRIVATE KEY", private))
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
