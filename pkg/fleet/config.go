// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tcpresume/tcpresume/internal/secret"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Config says where the fleet is and what it may do to this machine.
type Config struct {
	URL  string // of one NATS server or several, with commas; empty: no fleet
	Site string // servers behind the same access network; the bucket is tcpresume_SITE
	Name string // of this machine, for people and for NATS permissions; default NODE_NAME, or the host name

	Credentials string // file of "nsc" or "nats": JWT and seed
	NKey        string // file of a seed
	CA          string // file, PEM
	Cert, Key   string // files, PEM
	TLSFirst    bool   // handshake before the server's greeting

	Out []netip.Prefix // peers that may leave the machine; empty: every global address
	In  []netip.Prefix // peers that may enter it; empty: every global address

	// What an entry of another machine may do.
	MaxCwnd  resume.Bytes  // larger windows are cut to it
	Lifetime time.Duration // longer ones are cut to it, and to the policy's
	MaxPaths int           // of other machines in the maps at a time
	Exact    bool          // may ask for mode exact; else it becomes the policy's mode

	Interval time.Duration // between two puts of one peer
	Queue    int           // peers that wait while no server answers
	Netns    string        // path or cookie of the one network namespace this agent speaks for, where policies separate them; default its own

	// Of a bucket that the agent makes because there is none.
	Replicas int
	Storage  string // memory or file
	MaxBytes int64
}

// envNode is how Kubernetes can tell a pod's node, whose agent this is.
const envNode = "NODE_NAME"

// DefaultConfig is in force for what a configuration leaves out.
func DefaultConfig() Config {
	host := os.Getenv(envNode)
	if host == "" {
		host, _ = os.Hostname()
	}
	return Config{
		Site: "default", Name: nameOf(host), MaxCwnd: 16 << 20, Lifetime: time.Hour, MaxPaths: 1 << 19,
		Interval: time.Second, Queue: 1 << 17, Replicas: 1, Storage: "memory", MaxBytes: 1 << 30,
	}
}

// nameOf makes a token of a host name.
func nameOf(host string) string {
	name := strings.Map(func(r rune) rune {
		if plain(string(r)) {
			return r
		}
		return '-'
	}, host)
	return name[:min(len(name), maxName)]
}

// Bucket is the name of the key-value bucket of the site.
func (c Config) Bucket() string { return "tcpresume_" + c.Site }

// section is "fleet:" of the agent's configuration.
type section struct {
	URL         string   `yaml:"url"`
	Site        string   `yaml:"site"`
	Name        string   `yaml:"name"`
	Credentials string   `yaml:"credentials"`
	NKey        string   `yaml:"nkey"`
	CA          string   `yaml:"ca"`
	Cert        string   `yaml:"cert"`
	Key         string   `yaml:"key"`
	TLSFirst    bool     `yaml:"tls-first"`
	Out         []string `yaml:"out"`
	In          []string `yaml:"in"`
	MaxCwnd     string   `yaml:"max-cwnd"`
	Lifetime    string   `yaml:"lifetime"`
	MaxPaths    *int     `yaml:"max-paths"`
	Exact       bool     `yaml:"exact"`
	Interval    string   `yaml:"interval"`
	Queue       *int     `yaml:"queue"`
	Netns       string   `yaml:"netns"`
	Replicas    *int     `yaml:"replicas"`
	Storage     string   `yaml:"storage"`
	MaxBytes    string   `yaml:"max-bytes"`
}

// UnmarshalYAML reads the section; what is wrong is named with its field.
func (c *Config) UnmarshalYAML(node *yaml.Node) error {
	if err := knownFields(node); err != nil {
		return err
	}
	var s section
	if err := node.Decode(&s); err != nil {
		return fmt.Errorf("line %d: fleet: %w", node.Line, err)
	}
	config := DefaultConfig()
	err := config.take(s)
	if err != nil {
		return fmt.Errorf("line %d: fleet: %w", node.Line, err)
	}
	*c = config
	return nil
}

func (c *Config) take(s section) error {
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	c.URL, c.TLSFirst, c.Exact = s.URL, s.TLSFirst, s.Exact
	for _, path := range []struct {
		text string
		to   *string
	}{{s.Credentials, &c.Credentials}, {s.NKey, &c.NKey}, {s.CA, &c.CA}, {s.Cert, &c.Cert}, {s.Key, &c.Key}, {s.Netns, &c.Netns}} {
		if *path.to = ""; path.text != "" {
			*path.to = filepath.Clean(path.text)
		}
	}
	for _, word := range []struct {
		text string
		to   *string
	}{{s.Site, &c.Site}, {s.Name, &c.Name}, {s.Storage, &c.Storage}} {
		if word.text != "" {
			*word.to = word.text
		}
	}
	note(prefixes("out", s.Out, &c.Out))
	note(prefixes("in", s.In, &c.In))
	note(parsed("max-cwnd", s.MaxCwnd, resume.ParseBytes, &c.MaxCwnd))
	note(parsed("lifetime", s.Lifetime, time.ParseDuration, &c.Lifetime))
	note(parsed("interval", s.Interval, time.ParseDuration, &c.Interval))
	most := resume.Bytes(c.MaxBytes)
	note(parsed("max-bytes", s.MaxBytes, resume.ParseBytes, &most))
	c.MaxBytes = int64(most)
	for _, number := range []struct {
		from *int
		to   *int
	}{{s.MaxPaths, &c.MaxPaths}, {s.Queue, &c.Queue}, {s.Replicas, &c.Replicas}} {
		if number.from != nil {
			*number.to = *number.from
		}
	}
	return errors.Join(append(errs, c.Validate())...)
}

// Validate says what is wrong with a configuration, and what to do.
func (c Config) Validate() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(c.Site == "" || !plain(c.Site), "site %q: give 1 to 64 letters, digits, - and _", c.Site)
	wrong(c.Name == "" || !plain(c.Name), "name %q: give 1 to 64 letters, digits, - and _", c.Name)
	wrong(c.Storage != "memory" && c.Storage != "file", "storage %q: use memory or file", c.Storage)
	wrong((c.Cert == "") != (c.Key == ""), "cert and key go together: give both or none")
	wrong(c.Credentials != "" && c.NKey != "", "credentials and nkey are two ways to say who this is: give one")
	if place, ok := secret.Readable(c.URL); c.URL != "" {
		wrong(!ok, "url: server %d of the list cannot be read: write nats://HOST:PORT, as in nats://nats.example:4222, and what is special in a user's name or password by its code (%%40 for @, %%2C for a comma)", place)
	}
	for _, file := range []struct{ field, name string }{{"nkey", c.NKey}, {"credentials", c.Credentials}, {"ca", c.CA}, {"cert", c.Cert}, {"key", c.Key}} {
		wrong(secret.IsContent(file.name), "%s holds the thing itself: put it into a file that only root reads, and give the file's name", file.field)
	}
	wrong(c.MaxCwnd == 0, "max-cwnd is 0: nothing could enter; leave url out to have no fleet")
	wrong(c.Lifetime < time.Second || c.Lifetime > resume.MaxTTL, "lifetime %v is out of range: give 1s to %v", c.Lifetime, resume.MaxTTL)
	wrong(c.Interval < 0 || c.Interval > time.Minute, "interval %v is out of range: give 0s to 1m", c.Interval)
	wrong(c.MaxPaths < 1, "max-paths %d: give 1 or more", c.MaxPaths)
	wrong(c.Queue < 1, "queue %d: give 1 or more", c.Queue)
	wrong(!slices.Contains([]int{1, 3, 5}, c.Replicas), "replicas %d: use 1, 3 or 5", c.Replicas)
	return errors.Join(errs...)
}
