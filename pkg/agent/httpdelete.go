// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"errors"
	"net/http"
	"net/netip"
	"strconv"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// deletePath is for the operator: root, or the user that the agent runs as.
func (a *Agent) deletePath(w http.ResponseWriter, r *http.Request) {
	who := credentialsOf(r.Context())
	if nobody(who.UID) || who.UID != 0 && who.UID != a.ownUID() {
		problem(w, http.StatusForbidden, ReasonUID, "uid %d may not delete: that is for root and the agent's own user", who.UID)
		return
	}
	peer, scope, ok := peerOf(w, r)
	if !ok {
		return
	}
	if a.opts.Delete == nil {
		problem(w, http.StatusNotFound, "unknown", "this agent is in no fleet: \"tcpresume delete\" alone does it")
		return
	}
	switch err := a.opts.Delete(peer, scope); {
	case errors.Is(err, pathstore.ErrNotFound):
		problem(w, http.StatusNotFound, "no_saved_path", "%v", err)
	case err != nil:
		storeProblem(w, err)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// peerOf reads what a request of one path is about; if that is wrong, it answers.
func peerOf(w http.ResponseWriter, r *http.Request) (netip.Addr, uint64, bool) {
	peer, err := resume.ParsePeer(r.PathValue("ip"))
	if err != nil {
		problem(w, http.StatusBadRequest, ReasonMalformed, "%v", err)
		return peer, 0, false
	}
	scope, err := strconv.ParseUint(r.FormValue("netns_cookie"), 10, 64)
	if err != nil && r.FormValue("netns_cookie") != "" {
		problem(w, http.StatusBadRequest, ReasonMalformed, "netns_cookie %q is not a whole number", r.FormValue("netns_cookie"))
		return peer, 0, false
	}
	if scope >= resume.ScopeAsked { // a token that looks like an address, or what an application asked for itself
		problem(w, http.StatusBadRequest, ReasonMalformed, "netns_cookie %d is no network namespace's: this is for addresses only", scope)
		return peer, 0, false
	}
	return peer, scope, true
}

func (a *Agent) ownUID() uint32 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.guard.own
}
