// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/kube"
)

// patience is how long the API server's first answer is waited for.
const patience = 10 * time.Second

// Source is a bpfman.Notifier that knows what the operator says of one application.
type Source struct {
	target  kube.Target
	first   chan struct{} // closed when the API server has answered
	changed chan struct{}

	mu     sync.Mutex
	state  kube.State
	failed error // of the latest try, until there is an answer
}

var _ bpfman.Notifier = (*Source)(nil)

// Follow starts to follow the target, until ctx ends. Tell gets one line for
// each way in which the API server could not be asked.
func Follow(ctx context.Context, client *kube.Client, target kube.Target, tell func(string)) *Source {
	s := &Source{target: target, first: make(chan struct{}), changed: make(chan struct{}, 1)}
	states := client.Follow(ctx, target, func(err error) { s.fail(err, tell) })
	go func() {
		for state := range states {
			s.set(state)
		}
	}()
	return s
}

// fail tells each failure once, however often it is met.
func (s *Source) fail(err error, tell func(string)) {
	s.mu.Lock()
	told := s.failed != nil && s.failed.Error() == err.Error()
	s.failed = err
	s.mu.Unlock()
	if !told {
		tell(err.Error())
	}
}

func (s *Source) set(state kube.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.failed = state, nil
	select {
	case <-s.first:
	default:
		close(s.first)
	}
	select {
	case s.changed <- struct{}{}:
	default: // one is there already
	}
}

// Changed implements bpfman.Notifier.
func (s *Source) Changed() <-chan struct{} { return s.changed }

func (s *Source) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := fmt.Sprintf("bpfman-operator about %s on node %s", s.target.Application, s.target.Node)
	select {
	case <-s.first:
	default:
		return what
	}
	if said := s.state.Ready(); said != nil {
		what += fmt.Sprintf(" (%v)", said)
	}
	return what
}

// Claims waits for the API server's first answer. An application that is not
// loaded is bpfman.ErrUnsettled, one that its owner took away no claim at all.
func (s *Source) Claims(ctx context.Context) ([]bpfman.Claim, error) {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-s.first:
	case <-patient.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, fmt.Errorf("%w: %w", bpfman.ErrUnsettled, cmp.Or(s.failed, patient.Err()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if gone(s.state) {
		return nil, nil
	}
	if err := s.state.Ready(); err != nil {
		return nil, fmt.Errorf("%w: %w", bpfman.ErrUnsettled, err)
	}
	var claims []bpfman.Claim
	for _, p := range s.state.Programs {
		claims = append(claims, bpfman.Claim{ID: p.ID, Name: p.Name})
	}
	return claims, nil
}

// gone tells an application that was taken away, from this node at least, from
// one that is not loaded at the moment: an error is no wish to be rid of it.
func gone(state kube.State) bool {
	return !state.Exists() || state.Deleting || state.Load == kube.NotSelected
}
