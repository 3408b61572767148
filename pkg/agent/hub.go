// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// ReportEvent is a report and its outcome, among the events of the kernel.
type ReportEvent struct {
	Kind   string       `json:"event"` // "report"
	At     time.Time    `json:"time"`
	UID    uint32       `json:"uid"`
	PID    int32        `json:"pid"`
	Result Result       `json:"result"`
	Reason string       `json:"reason,omitempty"`
	Detail string       `json:"detail,omitempty"` // of a refusal
	Peer   netip.Addr   `json:"peer,omitzero"`
	ID     string       `json:"id,omitempty"`
	Cwnd   uint64       `json:"cwnd,omitempty"` // as reported, bytes
	Saved  resume.Bytes `json:"saved_cwnd,omitempty"`
	SavedS resume.Bytes `json:"saved_ssthresh,omitempty"`
	RTT    int64        `json:"saved_rtt_us,omitempty"`
}

// EventReport is the kind of a ReportEvent, EventLost of a LostEvent.
const (
	EventReport = "report"
	EventLost   = "lost"
)

// LostEvent tells a reader that is too slow what it has missed.
type LostEvent struct {
	Kind  string `json:"event"` // "lost"
	Count uint64 `json:"count"`
}

// hub gives every reader every event, as a line of JSON. No reader: no work.
type hub struct {
	readers atomic.Int32
	mu      sync.Mutex
	to      map[*reader]bool
}

type reader struct {
	lines chan []byte
	lost  uint64
}

// readAhead is how many events a reader may be behind.
const readAhead = 8192

func (h *hub) join() *reader {
	r := &reader{lines: make(chan []byte, readAhead)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.to == nil {
		h.to = make(map[*reader]bool)
	}
	h.to[r] = true
	h.readers.Store(int32(len(h.to)))
	return r
}

func (h *hub) leave(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.to, r)
	h.readers.Store(int32(len(h.to)))
}

func (h *hub) send(event any) {
	line, err := json.Marshal(event)
	if err != nil {
		return
	}
	line = append(line, '\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.to {
		if r.lost > 0 {
			note, _ := json.Marshal(LostEvent{EventLost, r.lost})
			select {
			case r.lines <- append(note, '\n'):
				r.lost = 0
			default:
			}
		}
		select {
		case r.lines <- line:
		default:
			r.lost++
		}
	}
}

func (h *hub) kernel(e pathstore.Event) {
	if h.readers.Load() > 0 {
		h.send(e)
	}
}

func (h *hub) report(o Outcome) {
	if h.readers.Load() == 0 {
		return
	}
	e := ReportEvent{
		Kind: EventReport, At: o.At, UID: o.Who.UID, PID: o.Who.PID, Result: o.Result, Reason: o.Reason,
		Peer: o.Report.Peer, ID: o.Report.ID, Cwnd: o.Report.Cwnd,
		Saved: o.Path.Cwnd, SavedS: o.Path.Ssthresh, RTT: o.Path.RTT.Microseconds(),
	}
	if o.Err != nil {
		e.Detail = o.Err.Error()
	}
	h.send(e)
}
