// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAReplacedTokenAndAuthorityAreUsed(t *testing.T) {
	var (
		now  atomic.Pointer[tls.Certificate]
		last atomic.Value
	)
	first, second := pair(t), pair(t)
	now.Store(&first)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last.Store(r.Header.Get("Authorization"))
		list("1")(w, r)
	}))
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*now.Load()}}, nil
	}}
	server.StartTLS()
	t.Cleanup(server.Close)

	dir := t.TempDir()
	write(t, dir, "ca.crt", encode(first.Leaf))
	write(t, dir, "token", []byte("one\n"))
	at, _ := url.Parse(server.URL)
	host, port, _ := net.SplitHostPort(at.Host)
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	client, err := InCluster(dir)
	if err != nil {
		t.Fatal(err)
	}
	get := func(want string) {
		t.Helper()
		if _, err := client.Get(t.Context(), target); err != nil {
			t.Fatal(err)
		}
		if got := last.Load(); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	get("Bearer one")
	write(t, dir, "token", []byte("two\n"))
	get("Bearer two")

	now.Store(&second)
	server.CloseClientConnections()
	if _, err := client.Get(t.Context(), target); err == nil {
		t.Error("a server of another authority was believed")
	}
	write(t, dir, "ca.crt", encode(second.Leaf))
	get("Bearer two")
}

func TestOutsideAPod(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := New(""); !errors.Is(err, ErrNoCluster) {
		t.Errorf("got %v, want ErrNoCluster", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
	t.Setenv("KUBERNETES_SERVICE_PORT", "1")
	if _, err := InCluster(t.TempDir()); !errors.Is(err, ErrNoCluster) {
		t.Errorf("without a token: %v, want ErrNoCluster", err)
	}
}

const fileHead = `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: other, context: {cluster: none, user: none}}, {name: c, context: {cluster: k, user: u}}]
`

func TestKubeconfig(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "ca.pem", []byte("PEM"))
	write(t, dir, "tok", []byte("from a file\n"))
	path := write(t, dir, "config", []byte(fileHead+`
clusters: [{name: k, cluster: {server: "https://h:6443/prefix", certificate-authority: ca.pem, tls-server-name: n}}]
users: [{name: u, user: {token: inline, tokenFile: tok, client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}]
`))
	cfg, err := readKubeconfig(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := cfg.credentials()
	if err != nil {
		t.Fatal(err)
	}
	if string(got.authority) != "PEM" || string(got.cert) != "CERT" || string(got.key) != "KEY" || got.token != "from a file" {
		t.Errorf("credentials %q", got)
	}
	if cfg.server.String() != "https://h:6443/prefix" || cfg.serverName != "n" {
		t.Errorf("server %s, name %s", cfg.server, cfg.serverName)
	}
}

func TestWhatAKubeconfigMayNotHold(t *testing.T) {
	cluster := `clusters: [{name: k, cluster: {server: "https://h"}}]` + "\n"
	for text, want := range map[string]string{
		"": "current-context",
		fileHead + `users: [{name: u, user: {}}]`: "cluster \"k\"",
		fileHead + cluster:                        "user \"u\"",
		fileHead + cluster + `users: [{name: u, user: {exec: {command: aws}}}]`:                                                        "\"exec\" is not supported",
		fileHead + cluster + `users: [{name: u, user: {auth-provider: {name: gcp}}}]`:                                                  "\"auth-provider\" is not supported",
		fileHead + cluster + `users: [{name: u, user: {username: x, password: y}}]`:                                                    "\"username\" is not supported",
		fileHead + cluster + `users: [{name: u, user: {client-certificate-data: Q0VSVA==}}]`:                                           "belong together",
		fileHead + cluster + `users: [{name: u, user: {client-key-data: "%"}}]`:                                                        "client-key-data",
		fileHead + `clusters: [{name: k, cluster: {server: "h"}}]` + "\nusers: [{name: u}]":                                            "is not an address",
		fileHead + `clusters: [{name: k, cluster: {server: "http://h"}}]` + "\nusers: [{name: u, user: {token: t}}]":                   "https only",
		fileHead + `clusters: [{name: k, cluster: {server: "me:s3cr3t@h:x"}}]` + "\nusers: [{name: u}]":                                "is not an address",
		fileHead + `clusters: [{name: k, cluster: {server: "https://me:s3cr3t@h"}}]` + "\nusers: [{name: u}]":                          "in the address is not supported",
		fileHead + `clusters: [{name: k, cluster: {server: "https://h", proxy-url: "http://me:s3cr3t@h:x"}}]` + "\nusers: [{name: u}]": "proxy-url",
		"\t": "yaml",
	} {
		_, err := readKubeconfig(write(t, t.TempDir(), "config", []byte(text)))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s\ngives %v, want %q in it and no password", text, err, want)
		}
	}
	if _, err := readKubeconfig("a:b"); err == nil || !strings.Contains(err.Error(), "not merged") {
		t.Errorf("two files: %v", err)
	}
}
