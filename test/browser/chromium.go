// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Site is what the browser visits: the only name it can resolve.
type Site struct {
	Name string
	Addr netip.AddrPort
	// KeyHash is the base64 SHA-256 of the public key that the browser takes.
	KeyHash string
}

// URL of a path on the site.
func (s Site) URL(path string) string {
	return fmt.Sprintf("https://%s:%d%s", s.Name, s.Addr.Port(), path)
}

// Chromium is a headless Chromium inside a host, with one page.
type Chromium struct {
	cmd     *exec.Cmd
	page    *devtools
	profile string
	pipes   []*os.File
}

// programs are tried in turn; Debian's chromium in PATH is a script that wants a desktop.
var programs = []string{"/usr/lib/chromium/chromium", "chromium", "chromium-browser", "google-chrome"}

// ErrNoChromium says that there is no browser to start.
var ErrNoChromium = errors.New("chromium is not installed: apt-get install --no-install-recommends chromium")

// Start starts the browser. The caller must Close it.
func Start(ctx context.Context, host *lab.Host, site Site) (*Chromium, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	c := &Chromium{}
	if c.profile, err = os.MkdirTemp("", "tcpresume-chromium-"); err != nil {
		return nil, err
	}
	c.cmd = exec.Command(program, flags(site, c.profile)...)
	c.cmd.Env = append(os.Environ(), "HOME="+c.profile)
	if err := c.start(host); err != nil {
		return nil, errors.Join(fmt.Errorf("start browser: %w", err), c.Close())
	}
	if err := c.page.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open page: %w", err), c.Close())
	}
	return c, nil
}

func find() (string, error) {
	for _, name := range programs {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoChromium
}

func flags(site Site, profile string) []string {
	return []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions",
		"--user-data-dir=" + profile, "--remote-debugging-pipe", "--enable-quic",
		"--ignore-certificate-errors-spki-list=" + site.KeyHash,
		// An unknown root is allowed to QUIC only on hosts that are forced to it, and an origin that is forced never
		// falls back. Forcing another port of the same host gives the one without the other.
		"--origin-to-force-quic-on=" + site.Name + ":1",
		fmt.Sprintf("--host-resolver-rules=MAP %s %s, MAP * ~NOTFOUND", site.Name, bracketed(site.Addr.Addr())),
	}
}

func bracketed(addr netip.Addr) string {
	if addr.Is6() {
		return "[" + addr.String() + "]"
	}
	return addr.String()
}

// start connects the pipes that --remote-debugging-pipe expects at descriptors 3 and 4.
func (c *Chromium) start(host *lab.Host) error {
	commands, to, err := os.Pipe()
	if err != nil {
		return err
	}
	defer commands.Close()
	from, results, err := os.Pipe()
	if err != nil {
		return errors.Join(err, to.Close())
	}
	defer results.Close()
	c.pipes = []*os.File{to, from}
	c.cmd.ExtraFiles = []*os.File{commands, results}
	if err := host.Start(c.cmd, nil); err != nil {
		return err
	}
	c.page = newDevtools(to, from)
	return nil
}

// Close ends the browser and removes its profile.
func (c *Chromium) Close() error {
	var errs []error
	if c.cmd.Process != nil {
		errs = append(errs, lab.Kill(c.cmd))
	}
	for _, pipe := range c.pipes {
		errs = append(errs, pipe.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.profile))...)
}
