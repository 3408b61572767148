// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const adminToken = "admin-token"

// Cluster is one API server and its etcd.
type Cluster struct {
	Host, Port string // of the API server
	Kubeconfig string // of an administrator

	place        Place
	dir, tools   string // what it writes; where kube-apiserver and kubectl are
	held         *os.File
	etcdURL      string
	etcd, server *process
	others       []*process
	http         *http.Client
	updates      int // of state objects
}

// Place is where a cluster runs that nodes are to reach.
type Place struct {
	Do       func(func() error) error // on a thread of the network namespace
	Host     string                   // address of the API server there
	Port     string                   // empty: any
	Services string                   // prefix of the services' addresses
	Programs []string                 // of Kubernetes, to be built beside those of the API server
}

// Start runs both and creates bpfman-operator's CRDs. The caller must Close it.
func Start(ctx context.Context) (*Cluster, error) {
	here := func(f func() error) error { return f() }
	return StartIn(ctx, Place{Do: here, Host: "127.0.0.1", Services: "10.0.0.0/24"})
}

// StartIn is Start in another place.
func StartIn(ctx context.Context, place Place) (_ *Cluster, err error) {
	c := &Cluster{Host: place.Host, Port: place.Port, place: place}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	root, err := projectRoot(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.makeDir(); err != nil {
		return nil, err
	}
	crds, err := FindCRDs(ctx, root, c.dir)
	if err != nil {
		return nil, err
	}
	if c.tools, err = tools(ctx, root, place.Programs); err != nil {
		return nil, err
	}
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	if err := c.startEtcd(); err != nil {
		return nil, err
	}
	if err := c.StartServer(ctx); err != nil {
		return nil, err
	}
	if _, err := c.Kubectl(ctx, "", "create", "-f", crds); err != nil {
		return nil, err
	}
	_, err = c.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
	return c, err
}

func projectRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil // this module is the folder test
}

// tools builds what is not built yet, which takes minutes the first time.
func tools(ctx context.Context, root string, programs []string) (string, error) {
	build := exec.CommandContext(ctx, filepath.Join(root, "test/kube/apiserver/build.sh"), programs...)
	build.Stderr = os.Stderr
	out, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("building kube-apiserver: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// writeFiles makes the key of service account tokens, an administrator's token
// and the kubeconfig with it.
func (c *Cluster) writeFiles() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if c.Port == "" {
		if c.Port, err = freePort(); err != nil {
			return err
		}
	}
	c.Kubeconfig = c.file("admin.kubeconfig")
	for name, text := range map[string]string{
		"sa.key":     string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
		"tokens.csv": adminToken + `,admin,1,"system:masters"` + "\n",
		"admin.kubeconfig": fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: admin}}]
clusters: [{name: test, cluster: {server: "https://%s", certificate-authority: certs/apiserver.crt}}]
users: [{name: admin, user: {token: %s}}]
`, net.JoinHostPort(c.Host, c.Port), adminToken),
	} {
		if err := os.WriteFile(c.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) file(name string) string { return filepath.Join(c.dir, name) }

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (c *Cluster) startEtcd() (err error) {
	client, err := freePort()
	if err != nil {
		return err
	}
	peer, err := freePort()
	if err != nil {
		return err
	}
	c.etcdURL = "http://127.0.0.1:" + client
	c.etcd, err = c.run(c.file("etcd.log"), "etcd", "--data-dir", c.file("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls", c.etcdURL, "--advertise-client-urls", c.etcdURL,
		"--listen-peer-urls", "http://127.0.0.1:"+peer, "--initial-advertise-peer-urls", "http://127.0.0.1:"+peer,
		"--initial-cluster", "default=http://127.0.0.1:"+peer)
	return err
}

// StartServer starts the API server, on the same address after it was stopped.
func (c *Cluster) StartServer(ctx context.Context) (err error) {
	c.server, err = c.run(c.file("apiserver.log"), filepath.Join(c.tools, "kube-apiserver"),
		"--etcd-servers", c.etcdURL, "--secure-port", c.Port, "--bind-address", c.Host, "--advertise-address", c.Host,
		"--endpoint-reconciler-type", "none", "--cert-dir", c.file("certs"), "--service-cluster-ip-range", c.place.Services,
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", c.file("sa.key"),
		"--service-account-signing-key-file", c.file("sa.key"), "--authorization-mode", "RBAC", "--request-timeout", "15s", // for so long it waits for watches to end when it stops
		"--token-auth-file", c.file("tokens.csv"), "--kubelet-preferred-address-types", "InternalIP")
	if err != nil {
		return err
	}
	for {
		_, err := c.Kubectl(ctx, "", "get", "--raw", "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the API server: %w", errors.Join(ctx.Err(), err))
		case <-c.server.done:
			return fmt.Errorf("kube-apiserver ended: %s", c.server.lastLines())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// StopServer lets the API server end by itself, or kills it. Its etcd stays.
func (c *Cluster) StopServer(kill bool) error { return c.server.stop(kill) }

// Close ends both and removes what they wrote.
func (c *Cluster) Close() error {
	var errs []error
	for _, p := range append(c.others, c.server, c.etcd) {
		if p != nil {
			errs = append(errs, p.stop(true))
		}
	}
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir), c.held.Close())
	}
	return errors.Join(errs...)
}
