// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/tcpresume/tcpresume/internal/textfile"
)

// Check looks at what a configuration names: files that must be readable and
// hold what they are for, and URLs. Nobody is connected to; what Run needs at
// its start is right if Check is. Errors hold no secret.
func (c Config) Check() error {
	if c.URL == "" {
		return nil
	}
	errs := c.checkURLs()
	for _, file := range []struct{ field, path string }{
		{"credentials", c.Credentials}, {"nkey", c.NKey}, {"ca", c.CA}, {"cert", c.Cert}, {"key", c.Key},
	} {
		if file.path == "" {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err == nil && (textfile.IsUTF16(text) || len(textfile.TrimMark(text)) != len(text)) {
			err = fmt.Errorf("%s begins with a byte order mark: save it as UTF-8 without one", file.path)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file.field, err))
		}
	}
	if len(errs) == 0 {
		if err := c.checkSecrets(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return nil
}

// checkURLs does not quote a URL, which may hold a password.
func (c Config) checkURLs() (errs []error) {
	web := make(map[bool]bool)
	for i, text := range strings.Split(c.URL, ",") {
		text = strings.TrimSpace(text)
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		port := uint64(1)
		if err == nil && u.Port() != "" {
			port, err = strconv.ParseUint(u.Port(), 10, 16)
		}
		if err != nil || u.Hostname() == "" || port == 0 || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			errs = append(errs, fmt.Errorf("url: server %d is not as in nats://nats.example:4222, with tls:// for TLS and a port of 1 to 65535", i+1))
			continue
		}
		web[u.Scheme == "ws" || u.Scheme == "wss"] = true
	}
	if len(web) > 1 {
		errs = append(errs, errors.New("url: servers by WebSocket and others do not go together: name one kind"))
	}
	return errs
}

// checkSecrets lets the client read what it would read to connect.
func (c Config) checkSecrets() error {
	options, err := c.options()
	if err != nil {
		return err
	}
	o := nats.GetDefaultOptions()
	for _, option := range options {
		if err := option(&o); err != nil {
			return err
		}
	}
	var errs []error
	note := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
	}
	if o.RootCAsCB != nil {
		_, err := o.RootCAsCB()
		note("ca", err)
	}
	if o.TLSCertCB != nil {
		_, err := o.TLSCertCB()
		note("cert and key", err)
	}
	who := "nkey"
	if c.Credentials != "" {
		who = "credentials"
	}
	if o.UserJWT != nil {
		_, err := o.UserJWT()
		note(who, err)
	}
	if o.SignatureCB != nil {
		_, err := o.SignatureCB([]byte("nonce"))
		note(who, err)
	}
	return errors.Join(errs...)
}
