// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// status is metav1.Status, the API server's way to say no.
type status struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Refused is an answer of the API server other than what was asked for.
type Refused struct {
	Code    int // HTTP's
	Message string
	remedy  string
}

func (r *Refused) Error() string {
	text := fmt.Sprintf("API server: %d %s", r.Code, cmp.Or(r.Message, http.StatusText(r.Code)))
	if r.remedy != "" {
		text += "; " + r.remedy
	}
	return text
}

// overloaded says that the same request will do later: the server starts, or is
// busy. 504 is none of these: it is also the answer to a version from ahead.
func (r *Refused) overloaded() bool {
	switch r.Code {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable:
		return true
	}
	return false
}

func refusal(answer *http.Response, target Target) error {
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	var said status
	_ = json.Unmarshal(text, &said) // a proxy's page is no status, its code counts
	return refused(status{Code: answer.StatusCode, Message: said.Message}, target)
}

func refused(said status, target Target) error {
	r := &Refused{Code: said.Code, Message: said.Message}
	resource := target.path()[len(target.path())-1]
	switch said.Code {
	case http.StatusUnauthorized:
		r.remedy = "the token is wrong or has expired"
	case http.StatusForbidden:
		r.remedy = fmt.Sprintf("the service account needs get, list and watch on %s.bpfman.io: apply manifests/base/rbac.yaml", resource)
	case http.StatusNotFound:
		r.remedy = fmt.Sprintf("%s.bpfman.io is unknown there: install bpfman-operator", resource)
	case http.StatusGone: // of a watch; the next list settles it
	}
	return r
}
