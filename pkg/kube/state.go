// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrNotReady marks a state whose programs cannot be used yet, or no longer.
var ErrNotReady = errors.New("bpfman-operator has not loaded the application on this node")

// Target names the application that is followed, and the node.
type Target struct {
	Application string // of the ClusterBpfApplication or BpfApplication, not of a program
	Namespace   string // of the BpfApplication; empty: a ClusterBpfApplication
	Node        string // as the label kubernetes.io/hostname has it
}

// LoadStatus is the operator's word for the whole application on one node
// (bpfman-operator v0.6.0, BpfAppStatus.appLoadStatus).
type LoadStatus string

// The words that are decided upon; the others count as not loaded.
const (
	LoadSuccess LoadStatus = "LoadSuccess"
	LoadError   LoadStatus = "LoadError"
	NotSelected LoadStatus = "NotSelected"
)

// State is what the operator says of the application on this node. The zero
// value says that there is no such object: not yet, or not any more.
type State struct {
	Object   string     `json:"object,omitempty"` // its name, the application's with a suffix
	Load     LoadStatus `json:"load,omitempty"`
	Message  string     `json:"message,omitempty"` // of the operator's latest condition
	Deleting bool       `json:"deleting,omitempty"`
	Programs []Program  `json:"programs,omitempty"` // in the order of the application
}

// Program is one program of the application.
type Program struct {
	Name string `json:"name"` // whole, where the kernel cuts at 15 characters
	Type string `json:"type"` // as declared, not the kernel's
	ID   uint32 `json:"id"`   // in the kernel; 0: not loaded
}

// Exists tells an object from none.
func (s State) Exists() bool { return s.Object != "" }

// Ready says why the programs cannot be used, as an ErrNotReady, or returns nil.
func (s State) Ready() error {
	switch {
	case !s.Exists():
		return fmt.Errorf("%w: no state object; is the application created, and the operator running? See \"kubectl get clusterbpfapplicationstates\"", ErrNotReady)
	case s.Deleting:
		return fmt.Errorf("%w: %s is being deleted", ErrNotReady, s.Object)
	case s.Load == NotSelected:
		return fmt.Errorf("%w: %s says %s: the application's nodeSelector leaves this node out", ErrNotReady, s.Object, s.Load)
	case s.Load == "":
		return fmt.Errorf("%w: %s has no status yet; is the operator's agent running on this node?", ErrNotReady, s.Object)
	case s.Load != LoadSuccess:
		return fmt.Errorf("%w: %s says %s (%s); the log of the bpfman daemon on this node says why", ErrNotReady, s.Object, s.Load, cmp.Or(s.Message, "no message"))
	}
	if len(s.Programs) == 0 { // no sign that there are none
		return fmt.Errorf("%w: %s says %s and names no program: is the operator of another version?", ErrNotReady, s.Object, s.Load)
	}
	for _, p := range s.Programs {
		if p.ID == 0 {
			return fmt.Errorf("%w: %s gives no kernel id for %s", ErrNotReady, s.Object, p.Name)
		}
	}
	return nil
}

func (s State) equal(other State) bool {
	return s.Object == other.Object && s.Load == other.Load && s.Message == other.Message &&
		s.Deleting == other.Deleting && slices.Equal(s.Programs, other.Programs)
}

// object is what is read of a state object.
type object struct {
	Metadata struct {
		Name              string     `json:"name"`
		UID               string     `json:"uid"`
		ResourceVersion   string     `json:"resourceVersion"`
		CreationTimestamp time.Time  `json:"creationTimestamp"`
		DeletionTimestamp *time.Time `json:"deletionTimestamp"`
	} `json:"metadata"`
	Status struct {
		AppLoadStatus LoadStatus `json:"appLoadStatus"`
		Conditions    []struct {
			Message string `json:"message"`
		} `json:"conditions"`
		Programs []struct {
			Name      string  `json:"name"`
			Type      string  `json:"type"`
			ProgramID *uint32 `json:"programId"`
		} `json:"programs"`
	} `json:"status"`
}

func (o object) state() State {
	s := State{Object: o.Metadata.Name, Load: o.Status.AppLoadStatus, Deleting: o.Metadata.DeletionTimestamp != nil}
	if n := len(o.Status.Conditions); n > 0 {
		s.Message = o.Status.Conditions[n-1].Message
	}
	for _, p := range o.Status.Programs {
		found := Program{Name: p.Name, Type: p.Type}
		if p.ProgramID != nil {
			found.ID = *p.ProgramID
		}
		s.Programs = append(s.Programs, found)
	}
	return s
}

// objects are the state objects that fit, by uid. There is one, but for the
// moment in which an application is deleted and created again.
type objects map[string]object

// state is that of the newest object, one that stays before one that goes.
func (all objects) state() State {
	var best *object
	for _, o := range all {
		if best == nil || newer(o, *best) {
			best = &o
		}
	}
	if best == nil {
		return State{}
	}
	return best.state()
}

func newer(a, b object) bool {
	if stays := b.Metadata.DeletionTimestamp != nil; stays != (a.Metadata.DeletionTimestamp != nil) {
		return stays
	}
	if c := a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp); c != 0 {
		return c > 0
	}
	return a.Metadata.UID > b.Metadata.UID
}
