// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/test/lab/internal/link"
)

// Lab is a running emulated path. Its methods may be called from any goroutine.
type Lab struct {
	// Client and Server are the two ends of the path.
	Client, Server *Host

	start    time.Time
	toClient *link.Pipe
	toServer *link.Pipe

	mu   sync.Mutex
	path Path

	closing  sync.Once
	closeErr error
}

// New builds the path and sets it to work. The caller must Close it. Until then
// GOMAXPROCS is a little higher, so that the link's threads never queue behind
// goroutines.
func New(path Path) (*Lab, error) {
	if err := path.validate(); err != nil {
		return nil, err
	}
	addProcs(procsPerLab)
	l := &Lab{start: time.Now(), path: path.withDefaults()}
	if err := l.build(); err != nil {
		return nil, errors.Join(fmt.Errorf("build lab: %w", err), l.Close())
	}
	return l, nil
}

func (l *Lab) build() error {
	var err error
	l.Client, err = newHost("client", netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("fd00:18::1"), l.path.MTU)
	if err != nil {
		return err
	}
	l.Server, err = newHost("server", netip.MustParseAddr("198.19.0.1"), netip.MustParseAddr("fd00:19::1"), l.path.MTU)
	if err != nil {
		return err
	}
	if err := l.tune(); err != nil {
		return err
	}
	toClient := link.Ends{From: l.Server.tun, To: l.Client.tun, MTU: l.path.MTU, Start: l.start}
	if l.toClient, err = link.Start(toClient, l.path.toClient(), l.path.Seed); err != nil {
		return err
	}
	toServer := link.Ends{From: l.Client.tun, To: l.Server.tun, MTU: l.path.MTU, Start: l.start}
	l.toServer, err = link.Start(toServer, l.path.toServer(), l.path.Seed)
	return err
}

// Close stops the link and removes both hosts. It returns what went wrong in the
// life of the link, too. Sockets that are still open keep their namespace alive
// until they are closed.
func (l *Lab) Close() error {
	l.closing.Do(func() {
		l.closeErr = l.tearDown()
		addProcs(-procsPerLab)
	})
	return l.closeErr
}

func (l *Lab) tearDown() error {
	var errs []error
	for _, pipe := range []*link.Pipe{l.toClient, l.toServer} {
		if pipe != nil {
			errs = append(errs, pipe.Stop())
		}
	}
	for _, host := range []*Host{l.Client, l.Server} {
		if host != nil {
			errs = append(errs, host.close())
		}
	}
	return errors.Join(errs...)
}

// Path returns the path as it is now, defaults filled in.
func (l *Lab) Path() Path {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.path
}

// SetPath changes rate, RTT, queue and loss for the packets sent from now on.
// MTU, Seed and StockWindow stay what they were.
func (l *Lab) SetPath(path Path) error {
	if err := path.validate(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	path.MTU, path.Seed, path.StockWindow = l.path.MTU, l.path.Seed, l.path.StockWindow
	l.path = path.withDefaults()
	l.toClient.Reconfigure(l.path.toClient())
	l.toServer.Reconfigure(l.path.toServer())
	return nil
}

// Cut drops every packet sent from now on in both directions, or ends that.
func (l *Lab) Cut(cut bool) {
	l.toClient.Cut(cut)
	l.toServer.Cut(cut)
}
