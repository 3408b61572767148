// SPDX-License-Identifier: Apache-2.0

package rig

import (
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Apart gives each network namespace entries of its own and turns learning off.
// Then several paths can be measured at once, whose clients have one address.
func (r *Rig) Apart() error {
	policy := resume.DefaultPolicy()
	policy.Learn = false
	policy.Scope = resume.ScopeNetns
	return r.Store.SetPolicy(pathstore.Rule{Policy: policy})
}

// PutFor stores an operator's entry for a host's servers alone, of mode careful
// unless the path says otherwise.
func (r *Rig) PutFor(host *lab.Host, path resume.Path) (err error) {
	if path.Scope, err = scopeOf(host); err != nil {
		return err
	}
	if path.Mode == "" {
		path.Mode = resume.ModeCareful
	}
	path.Sharing, path.Source = resume.SharingPolicy, resume.SourceOperator
	_, err = r.Store.Put(path)
	return err
}

// EntryOf is what a host's servers know of a peer.
func (r *Rig) EntryOf(host *lab.Host, peer netip.Addr) (pathstore.Entry, error) {
	scope, err := scopeOf(host)
	if err != nil {
		return pathstore.Entry{}, err
	}
	return r.Store.Get(peer, scope)
}

func scopeOf(host *lab.Host) (cookie uint64, err error) {
	err = host.Do(func() error {
		cookie, err = loader.NetnsCookie("/proc/thread-self/ns/net")
		return err
	})
	return cookie, err
}
