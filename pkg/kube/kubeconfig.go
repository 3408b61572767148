// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/internal/secret"
)

// kubeconfig is the part of the format that is understood: one file, its
// current context, static credentials. What needs a program to be run or a
// password is refused by name.
type kubeconfig struct {
	CurrentContext string `yaml:"current-context"`
	Contexts       []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string  `yaml:"name"`
		Cluster cluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string `yaml:"name"`
		User user   `yaml:"user"`
	} `yaml:"users"`
}

type cluster struct {
	Server        string `yaml:"server"`
	Authority     string `yaml:"certificate-authority"`
	AuthorityData string `yaml:"certificate-authority-data"`
	ServerName    string `yaml:"tls-server-name"`
	Insecure      bool   `yaml:"insecure-skip-tls-verify"`
	Proxy         string `yaml:"proxy-url"`
}

type user struct {
	Token     string    `yaml:"token"`
	TokenFile string    `yaml:"tokenFile"`
	Cert      string    `yaml:"client-certificate"`
	CertData  string    `yaml:"client-certificate-data"`
	Key       string    `yaml:"client-key"`
	KeyData   string    `yaml:"client-key-data"`
	Exec      yaml.Node `yaml:"exec"`
	Provider  yaml.Node `yaml:"auth-provider"`
	Username  string    `yaml:"username"`
	As        string    `yaml:"as"`
}

func readKubeconfig(path string) (config, error) {
	if strings.ContainsRune(path, filepath.ListSeparator) {
		return config{}, fmt.Errorf("%s: several files are not merged; name one (\"kubectl config view --flatten --minify\" makes it)", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return config{}, err
	}
	var file kubeconfig
	if err := yaml.Unmarshal(text, &file); err != nil {
		return config{}, fmt.Errorf("%s: %w", path, err)
	}
	cfg, err := file.config(filepath.Dir(path))
	if err != nil {
		return config{}, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

func (k kubeconfig) config(dir string) (config, error) {
	for _, each := range k.Contexts {
		if each.Name != k.CurrentContext {
			continue
		}
		cl, err := k.cluster(each.Context.Cluster)
		if err != nil {
			return config{}, err
		}
		us, err := k.user(each.Context.User)
		if err != nil {
			return config{}, err
		}
		return join(cl, us, dir)
	}
	return config{}, fmt.Errorf("current-context %q is no context of this file; choose one by \"kubectl config use-context\"", k.CurrentContext)
}

func (k kubeconfig) cluster(name string) (cluster, error) {
	for _, each := range k.Clusters {
		if each.Name == name {
			return each.Cluster, nil
		}
	}
	return cluster{}, fmt.Errorf("cluster %q of the current context is not in this file", name)
}

func (k kubeconfig) user(name string) (user, error) {
	for _, each := range k.Users {
		if each.Name != name {
			continue
		}
		for _, refused := range []struct {
			there bool
			what  string
		}{
			{!each.User.Exec.IsZero(), "exec"},
			{!each.User.Provider.IsZero(), "auth-provider"},
			{each.User.Username != "", "username"},
			{each.User.As != "", "as"},
		} {
			if refused.there {
				return user{}, fmt.Errorf("user %q: %q is not supported; use a token or a client certificate (\"kubectl create token\" makes one)", name, refused.what)
			}
		}
		return each.User, nil
	}
	return user{}, fmt.Errorf("user %q of the current context is not in this file", name)
}

func join(cl cluster, us user, dir string) (config, error) {
	cfg := config{serverName: cl.ServerName, insecure: cl.Insecure, proxy: http.ProxyFromEnvironment}
	var err error
	if cfg.server, err = url.Parse(cl.Server); err != nil || cfg.server.Host == "" {
		return cfg, fmt.Errorf("server %q is not an address such as https://host:6443", secret.Servers(cl.Server))
	}
	if cfg.server.User != nil {
		return cfg, fmt.Errorf("server %q: a user's name or password in the address is not supported; use a token or a client certificate", secret.Servers(cl.Server))
	}
	if cl.Proxy != "" {
		proxy, err := url.Parse(cl.Proxy)
		if err != nil {
			return cfg, fmt.Errorf("proxy-url: %w", secret.Error(err, cl.Proxy))
		}
		cfg.proxy = http.ProxyURL(proxy)
	}
	cfg.token = source{text: []byte(us.Token)}
	if us.TokenFile != "" { // which kubectl prefers too, because it may be replaced
		cfg.token = source{file: below(dir, us.TokenFile)}
	}
	if cfg.server.Scheme != "https" && !cfg.token.empty() {
		return cfg, fmt.Errorf("server %q: a token is sent over https only", cl.Server)
	}
	for _, each := range []struct {
		key, file, data string
		to              *source
	}{
		{"certificate-authority", cl.Authority, cl.AuthorityData, &cfg.authority},
		{"client-certificate", us.Cert, us.CertData, &cfg.cert},
		{"client-key", us.Key, us.KeyData, &cfg.key},
	} {
		switch {
		case each.data != "":
			text, err := base64.StdEncoding.DecodeString(each.data)
			if err != nil {
				return cfg, fmt.Errorf("%s-data: %w", each.key, err)
			}
			*each.to = source{text: bytes.TrimSpace(text)}
		case each.file != "":
			*each.to = source{file: below(dir, each.file)}
		}
	}
	if cfg.cert.empty() != cfg.key.empty() {
		return cfg, fmt.Errorf("client-certificate and client-key belong together; one is missing")
	}
	return cfg, nil
}

// below resolves a path as kubectl does: against the file that names it.
func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
