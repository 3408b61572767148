// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/lab"
)

const (
	host = "h3.test"
	port = 8443
	// idle is after how long the server closes the TCP connection over which the
	// browser learnt of HTTP/3, so that the fallback needs a new one.
	idle = 600 * time.Millisecond
)

// Options of a World.
type Options struct {
	Path   lab.Path
	Cgroup *lab.Cgroup // of the server
	CC     string      // of the server's TCP connections; empty: the kernel's default
	IPv6   bool
}

// World is a path with the quic-go example at one end and a browser at the other.
type World struct {
	Lab     *lab.Lab
	Site    Site
	Browser *Chromium
	server  *example.Program
	scratch string
}

// NewWorld sets everything to work. The caller must Close it.
func NewWorld(ctx context.Context, opts Options) (*World, error) {
	w := &World{}
	if err := w.build(ctx, opts); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (w *World) build(ctx context.Context, opts Options) (err error) {
	if w.scratch, err = os.MkdirTemp("", "tcpresume-browser-"); err != nil {
		return err
	}
	certificate, err := example.NewCertificate(w.scratch, host)
	if err != nil {
		return err
	}
	program, err := example.Build(ctx, "examples/quic-go")
	if err != nil {
		return err
	}
	if w.Lab, err = lab.New(opts.Path); err != nil {
		return err
	}
	if opts.CC != "" {
		if err := example.SetCC(ctx, w.Lab, opts.CC, w.Lab.Client.Addr(opts.IPv6)); err != nil {
			return err
		}
	}
	addr := netip.AddrPortFrom(w.Lab.Server.Addr(opts.IPv6), port)
	w.server, err = example.Run(ctx, example.Spec{Host: w.Lab.Server, Cgroup: opts.Cgroup, Ready: "serving"}, program,
		"-addr", addr.String(), "-cert", certificate.Cert, "-key", certificate.Key, "-idle", idle.String())
	if err != nil {
		return err
	}
	w.Site = Site{Name: host, Addr: addr, KeyHash: certificate.KeyHash}
	w.Browser, err = Start(ctx, w.Lab.Client, w.Site)
	return err
}

// Close ends the browser, the server and the path.
func (w *World) Close() error {
	var errs []error
	if w.Browser != nil {
		errs = append(errs, w.Browser.Close())
	}
	if w.server != nil {
		errs = append(errs, w.server.Stop())
	}
	if w.Lab != nil {
		errs = append(errs, w.Lab.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(w.scratch))...)
}

// Visit loads the page, changes to HTTP/3, loads some bytes, and waits until
// neither the TCP connection that it began with nor a spare one is left.
func (w *World) Visit(ctx context.Context, bytes int) (Fetched, error) {
	if err := w.Browser.Load(ctx, w.Site.URL("/")); err != nil {
		return Fetched{}, err
	}
	for {
		f, err := w.Fetch(ctx, 1000)
		if err != nil {
			return f, err
		}
		if f.Protocol == "h3" {
			break
		}
		time.Sleep(idle / 6)
	}
	f, err := w.Fetch(ctx, bytes)
	if err != nil {
		return f, err
	}
	return f, w.alone(ctx)
}

// alone ends the browser's TCP connections, as a NAT that forgets them would, and
// waits until the server has none. It would take up to half a minute otherwise:
// a browser opens one more than it needs and keeps it.
func (w *World) alone(ctx context.Context) error {
	forget := exec.CommandContext(ctx, "ss", "--kill", "-Htn", "state", "established")
	if err := w.Lab.Client.Do(func() error { return example.Quietly(forget) }); err != nil {
		return err
	}
	for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
		var left []byte
		err := w.Lab.Server.Do(func() (err error) {
			left, err = exec.CommandContext(ctx, "ss", "-Htn", "state", "established").Output()
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("wait for the end of TCP connections: %w", ctx.Err())
}

// Fetch loads so many bytes in the page.
func (w *World) Fetch(ctx context.Context, bytes int) (Fetched, error) {
	f, err := w.Browser.Fetch(ctx, w.Site.URL(fmt.Sprintf("/bytes/%d", bytes)))
	if err == nil && f.Bytes != bytes {
		err = fmt.Errorf("%d bytes came, %d were wanted", f.Bytes, bytes)
	}
	return f, err
}

// CutUDP makes hosts lose what arrives by UDP, as a firewall on the path would:
// nobody is told.
func CutUDP(ctx context.Context, hosts ...*lab.Host) error {
	for _, h := range hosts {
		nft := exec.CommandContext(ctx, "nft", "-f", "-")
		nft.Stdin = strings.NewReader("table inet cut { chain arrivals { type filter hook input priority 0; meta l4proto udp counter drop; }; }\n")
		if err := h.Do(func() error { return example.Quietly(nft) }); err != nil {
			return fmt.Errorf("cut udp of %s: %w", h.Name, err)
		}
	}
	return nil
}

// EndHTTP3 makes the server close its QUIC connections, which tells the browser.
func (w *World) EndHTTP3() error { return w.server.Signal(unix.SIGHUP) }
