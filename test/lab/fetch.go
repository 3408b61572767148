// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// Fetch describes one measured connection: the client connects, asks, and reads
// the server's response to the end.
type Fetch struct {
	// Bytes is the size of the response; above 0.
	Bytes int
	// Before is the size of a first answer in bytes, like a TLS server's
	// handshake: the client reads and acknowledges it before it asks for the
	// response. 0 means that the client asks at once.
	Before int
	// SampleEvery is the time between samples of the server's socket; 0 means
	// 1 ms, less than 0 no samples.
	SampleEvery time.Duration
	// Timeout bounds the whole connection; 0 means 60 s.
	Timeout time.Duration
	// IPv6 connects to the server's first IPv6 address, unless Server is set.
	IPv6 bool
	// Server is the address to connect to; the zero value means the server's
	// first address.
	Server netip.Addr
	// Local is the client's address; the zero value leaves the choice to the
	// kernel.
	Local netip.Addr
	// FastOpen asks in the SYN if the client has a cookie of the server.
	FastOpen bool
	// MPTCP asks for multipath TCP.
	MPTCP bool
	// Cgroup is the cgroup of the client's socket.
	Cgroup *Cgroup
}

const (
	defaultSampleEvery  = time.Millisecond
	defaultFetchTimeout = time.Minute
)

// Fetch opens a server as spec says, measures one connection to it and closes it.
// On an error the result holds what is known so far.
func (l *Lab) Fetch(ctx context.Context, spec ListenSpec, fetch Fetch) (Result, error) {
	server, err := l.Serve(ctx, spec)
	if err != nil {
		return Result{}, err
	}
	defer server.Close()
	return server.Fetch(ctx, fetch)
}

func (f Fetch) withDefaults() Fetch {
	if f.SampleEvery == 0 {
		f.SampleEvery = defaultSampleEvery
	}
	if f.Timeout == 0 {
		f.Timeout = defaultFetchTimeout
	}
	return f
}

func (f Fetch) validate() error {
	if f.Bytes <= 0 || f.Before < 0 {
		return fmt.Errorf("fetch of %d bytes after %d: give 1 or more, after 0 or more", f.Bytes, f.Before)
	}
	return nil
}

func (f Fetch) overIPv6() bool {
	if f.Server.IsValid() {
		return f.Server.Is6()
	}
	return f.IPv6
}

func (f Fetch) dialSpec(host *Host, port uint16) DialSpec {
	address := f.Server
	if !address.IsValid() {
		address = host.Addr(f.IPv6)
	}
	return DialSpec{
		Addr:     netip.AddrPortFrom(address, port),
		Local:    f.Local,
		FastOpen: f.FastOpen,
		MPTCP:    f.MPTCP,
		Cgroup:   f.Cgroup,
	}
}

// ideal is Path.Ideal plus what the first answer must cost: one more round trip
// and its own bytes.
func (f Fetch) ideal(path Path) time.Duration {
	headers := headersIPv4
	if f.overIPv6() {
		headers = headersIPv6
	}
	ideal := 2*path.RTT + path.transmission(f.Bytes, headers)
	if f.Before > 0 {
		ideal += path.RTT + path.transmission(f.Before, headers)
	}
	return ideal
}
