// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/internal/secret"
)

const (
	apiVersion = "v1alpha1" // of bpfman.io, the only one there is (bpfman-operator v0.6.0)

	ownerLabel = "bpfman.io/ownedByProgram"
	nodeLabel  = "kubernetes.io/hostname"

	maxAnswer = 16 << 20 // bytes; an object of etcd's largest size is 1.5 MiB
)

// timing is what tests shorten.
type timing struct {
	answer    time.Duration // until the head of an answer is there
	watch     time.Duration // after which the server ends a watch
	ping      time.Duration // of silence, before the connection itself is asked whether it lives
	pong      time.Duration // until it must have answered
	firstWait time.Duration // between two tries, doubled up to lastWait
	lastWait  time.Duration
}

var defaults = timing{
	answer: 30 * time.Second, watch: 8 * time.Minute, ping: 30 * time.Second, pong: 15 * time.Second,
	firstWait: 250 * time.Millisecond, lastWait: 15 * time.Second,
}

// Client reads state objects from one API server. It is safe for concurrent use.
type Client struct {
	config config
	timing timing

	mu      sync.Mutex
	current credentials
	http    *http.Client
}

func newClient(cfg config) *Client { return &Client{config: cfg, timing: defaults} }

// Server is the API server's address.
func (c *Client) Server() string { return c.config.server.String() }

// Get asks once what the operator says now.
func (c *Client) Get(ctx context.Context, target Target) (State, error) {
	all, _, err := c.list(ctx, target)
	return all.state(), err
}

func (c *Client) list(ctx context.Context, target Target) (objects, string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timing.answer)
	defer cancel()
	body, err := c.get(ctx, target, nil)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	var answer struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
		Items []object `json:"items"`
	}
	if err := json.NewDecoder(io.LimitReader(body, maxAnswer)).Decode(&answer); err != nil {
		return nil, "", fmt.Errorf("reading the API server's list: %w", err)
	}
	all := make(objects)
	for _, o := range answer.Items {
		all[o.Metadata.UID] = o
	}
	return all, answer.Metadata.ResourceVersion, nil
}

// watch opens the stream of changes after a version.
func (c *Client) watch(ctx context.Context, target Target, after string) (io.ReadCloser, error) {
	return c.get(ctx, target, url.Values{
		"watch":               {"true"},
		"resourceVersion":     {after},
		"allowWatchBookmarks": {"true"}, // they keep the version fresh while nothing happens
		"timeoutSeconds":      {strconv.Itoa(int(max(c.timing.watch, time.Second).Seconds()))},
	})
}

func (c *Client) get(ctx context.Context, target Target, query url.Values) (io.ReadCloser, error) {
	if query == nil {
		query = make(url.Values)
	}
	query.Set("labelSelector", fmt.Sprintf("%s=%s,%s=%s", ownerLabel, target.Application, nodeLabel, target.Node))
	client, token, err := c.connection()
	if err != nil {
		return nil, err
	}
	at := c.config.server.JoinPath(target.path()...)
	at.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "tcpresume")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(request)
	var long *url.Error
	if errors.As(err, &long) { // it repeats the whole query
		return nil, fmt.Errorf("API server %s: %w", c.Server(), secret.Error(long.Err)) // a proxy's address may hold a password
	}
	if err != nil {
		return nil, fmt.Errorf("API server: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		return nil, refusal(answer, target)
	}
	return answer.Body, nil
}

func (t Target) path() []string {
	if t.Namespace == "" {
		return []string{"apis", "bpfman.io", apiVersion, "clusterbpfapplicationstates"}
	}
	return []string{"apis", "bpfman.io", apiVersion, "namespaces", t.Namespace, "bpfapplicationstates"}
}

// connection reads the credentials again and makes new connections only if the
// certificates among them changed.
func (c *Client) connection() (*http.Client, string, error) {
	now, err := c.config.credentials()
	if err != nil {
		return nil, "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.http != nil && c.current.sameTLS(now) {
		c.current = now
		return c.http, now.token, nil
	}
	settings, err := c.config.tls(now)
	if err != nil {
		return nil, "", err
	}
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
	c.current = now
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                 c.config.proxy,
			TLSClientConfig:       settings,
			TLSHandshakeTimeout:   c.timing.answer,
			ResponseHeaderTimeout: c.timing.answer,
			ForceAttemptHTTP2:     true,
			// A node that lost its power sends no reset: only a ping finds that out.
			HTTP2:           &http.HTTP2Config{SendPingTimeout: c.timing.ping, PingTimeout: c.timing.pong},
			IdleConnTimeout: c.timing.answer,
		},
		// The API server never redirects; whoever does is not to get the token.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the server redirects, so it is no API server")
		},
	}
	return c.http, now.token, nil
}
