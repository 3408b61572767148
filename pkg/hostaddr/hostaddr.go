// SPDX-License-Identifier: Apache-2.0

package hostaddr

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/netns"
)

// elsewhereAge is how old the addresses of another namespace may be.
const elsewhereAge = 2 * time.Second

// maxElsewhere bounds how many processes are remembered.
const maxElsewhere = 1024

type set map[netip.Addr]bool

// Addresses are those of this machine. Its methods may be called from several goroutines.
type Addresses struct {
	mu        sync.Mutex
	notices   int // netlink socket that hears of changes; -1: there is none
	here      set
	hereErr   error
	named     set
	elsewhere map[int32]seen // by process
}

// seen are the addresses in the namespace of a process at a moment.
type seen struct {
	at    time.Time
	addrs set
}

// New reads the addresses once; Err says what could not be read. Named ones are
// the machine's whatever is seen, as those of a pod's node.
func New(named ...netip.Addr) *Addresses {
	a := &Addresses{notices: -1, named: make(set), elsewhere: make(map[int32]seen)}
	for _, addr := range named {
		a.named[addr.Unmap()] = true
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err == nil {
		a.notices = fd
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR})
	}
	a.here, a.hereErr = interfaces()
	if a.hereErr == nil && err != nil {
		a.hereErr = fmt.Errorf("hearing of changes: %w", err)
	}
	return a
}

// Close ends the hearing of changes.
func (a *Addresses) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.notices < 0 {
		return nil
	}
	fd := a.notices
	a.notices = -1
	return unix.Close(fd)
}

// Has reports whether an address is the machine's now, as this process or another
// one sees it. What the other's namespace has is known with CAP_SYS_ADMIN only.
func (a *Addresses) Has(addr netip.Addr, process int32) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.changed() {
		a.here, a.hereErr = interfaces()
	}
	addr = addr.Unmap()
	return a.here[addr] || a.named[addr] || a.of(process)[addr]
}

func (a *Addresses) of(process int32) set {
	was, known := a.elsewhere[process]
	if known && time.Since(was.at) < elsewhereAge {
		return was.addrs
	}
	if !known && len(a.elsewhere) >= maxElsewhere {
		clear(a.elsewhere)
	}
	found := seen{time.Now(), elsewhere(process)}
	a.elsewhere[process] = found
	return found.addrs
}

// Err says why the addresses of this process's namespace are not all known.
func (a *Addresses) Err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hereErr
}

// changed takes all notices that wait. Too many of them are one, too (ENOBUFS).
func (a *Addresses) changed() bool {
	if a.notices < 0 {
		return false
	}
	var buf [4096]byte
	for some := false; ; some = true {
		_, _, err := unix.Recvfrom(a.notices, buf[:], unix.MSG_TRUNC)
		if errors.Is(err, unix.EAGAIN) || err != nil && !errors.Is(err, unix.ENOBUFS) && !errors.Is(err, unix.EINTR) {
			return some
		}
	}
}

// elsewhere is what a process's namespace has, if it is another one and may be entered.
func elsewhere(process int32) set {
	ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", process))
	if err != nil {
		return nil // gone, or not to be seen
	}
	defer ns.Close()
	theirs, err1 := ns.Stat()
	ours, err2 := os.Stat("/proc/self/ns/net")
	if err1 != nil || err2 != nil || os.SameFile(theirs, ours) {
		return nil
	}
	var found set
	_ = netns.In(ns, func() error { // without the right nothing is found
		found, err = interfaces()
		return err
	})
	return found
}

// interfaces are the addresses in the calling thread's network namespace.
func interfaces() (set, error) {
	own := make(set)
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr().Unmap()] = true
		}
	}
	return own, err
}
