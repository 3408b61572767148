// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tcpresume/tcpresume/internal/textfile"
)

// ErrNoCluster says that neither a service account nor a kubeconfig was found.
var ErrNoCluster = errors.New("no Kubernetes API server is known")

// ServiceAccountDir is where the kubelet mounts a pod's credentials.
const ServiceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// source is a secret that stands in a file, which may change, or in the configuration itself.
type source struct {
	file string
	text []byte
}

func (s source) empty() bool { return s.file == "" && len(s.text) == 0 }

func (s source) read() ([]byte, error) {
	if s.file == "" {
		return s.text, nil
	}
	return textfile.Read(s.file)
}

// config is how the API server is reached. Files are read again for each
// request: tokens are replaced every hour, authorities now and then.
type config struct {
	server     *url.URL
	authority  source // PEM; empty: the system's
	serverName string
	insecure   bool
	token      source
	cert, key  source // of the client, PEM
	proxy      func(*http.Request) (*url.URL, error)
}

// New reads how to reach the API server: from the kubeconfig if one is named,
// else from the pod's service account. Without both it is ErrNoCluster.
func New(kubeconfig string) (*Client, error) {
	if kubeconfig == "" {
		return InCluster(ServiceAccountDir)
	}
	cfg, err := readKubeconfig(kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return newClient(cfg), nil
}

// InCluster uses the service account whose credentials are in dir.
func InCluster(dir string) (*Client, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, fmt.Errorf("%w: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod; set KUBECONFIG or --kubeconfig", ErrNoCluster)
	}
	cfg := config{
		server:    &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port)},
		authority: source{file: filepath.Join(dir, "ca.crt")},
		token:     source{file: filepath.Join(dir, "token")},
		proxy:     http.ProxyFromEnvironment,
	}
	if _, err := cfg.token.read(); err != nil {
		return nil, fmt.Errorf("%w: the service account's token: %w; is automountServiceAccountToken off?", ErrNoCluster, err)
	}
	return newClient(cfg), nil
}

// credentials are the contents of all files at one moment.
type credentials struct {
	authority, cert, key []byte
	token                string
}

func (c config) credentials() (credentials, error) {
	var found credentials
	for _, each := range []struct {
		what string
		from source
		to   *[]byte
	}{
		{"certificate authority", c.authority, &found.authority},
		{"client certificate", c.cert, &found.cert},
		{"client key", c.key, &found.key},
	} {
		text, err := each.from.read()
		if err != nil {
			return found, fmt.Errorf("%s: %w", each.what, err)
		}
		*each.to = text
	}
	token, err := c.token.read()
	if err != nil {
		return found, fmt.Errorf("token: %w", err)
	}
	found.token = strings.TrimSpace(string(token))
	return found, nil
}

// sameTLS tells whether connections made with the others may be used on.
func (c credentials) sameTLS(other credentials) bool {
	return bytes.Equal(c.authority, other.authority) && bytes.Equal(c.cert, other.cert) && bytes.Equal(c.key, other.key)
}

func (c config) tls(now credentials) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.serverName, InsecureSkipVerify: c.insecure}
	if len(now.authority) > 0 {
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(now.authority) {
			return nil, errors.New("the certificate authority holds no certificate in PEM")
		}
	}
	if len(now.cert) > 0 {
		pair, err := tls.X509KeyPair(now.cert, now.key)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}
