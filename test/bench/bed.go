// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// Bed is an emulated path to measure on, with tcpresume beside it.
type Bed struct {
	Lab *lab.Lab
	Rig *rig.Rig
	// CLI is the tcpresume program that stores paths; empty stores them without it.
	CLI string
	// Tries is how often a trial is made at most, until the machine is not too
	// busy; 0 means four times.
	Tries int
}

// Window is what a mode hands to a connection.
type Window struct {
	Cwnd, Ssthresh resume.Bytes
	RTT            time.Duration
}

// headers are those of IPv4 and TCP with timestamps.
const headers = 20 + 20 + 12

// Load loads tcpresume, or says why it could not resume every congestion control.
// The caller must Close the rig.
func Load(ctx context.Context) (*rig.Rig, error) {
	r, err := rig.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("loading tcpresume: %w", err)
	}
	for _, w := range r.State.Wrappers {
		if !w.Registered {
			err = errors.Join(err, fmt.Errorf("%s: %s", w.Name, w.Reason))
		}
	}
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// NewBed builds the path. The caller must Close it, and keeps the rig.
func NewBed(r *rig.Rig, path lab.Path) (*Bed, error) {
	l, err := lab.New(path)
	if err != nil {
		return nil, err
	}
	for _, mode := range Modes {
		if err := l.Client.AddAddr(mode.client()); err != nil {
			l.Close()
			return nil, fmt.Errorf("address of mode %s: %w", mode.Name, err)
		}
	}
	return &Bed{Lab: l, Rig: r}, nil
}

// Close removes the path.
func (b *Bed) Close() error { return b.Lab.Close() }

// MSS is the payload of a full segment.
func (b *Bed) MSS() int { return b.Lab.Path().MTU - headers }

// BDP is the window that fills the path and no queue.
func (b *Bed) BDP() Window {
	path := b.Lab.Path()
	window := resume.Bytes(path.BDP())
	return Window{Cwnd: window, Ssthresh: window, RTT: path.RTT}
}
