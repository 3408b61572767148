// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/tcpresume/tcpresume/internal/wall"
)

// EventsHeader carries the id of the ring in the kernel that the events come
// from, so that who watches knows whether it is the one meant.
const EventsHeader = "Tcpresume-Events-Map"

// getEvents streams every event from now on, one JSON object a line: those of
// the kernel as "watch -o json" prints them, and one for each report.
func (a *Agent) getEvents(w http.ResponseWriter, r *http.Request) {
	if a.reader(w, r, true) == nil {
		return
	}
	stream := http.NewResponseController(w)
	reader := a.hub.join()
	defer a.hub.leave(reader)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set(EventsHeader, strconv.FormatUint(uint64(a.opts.EventsID()), 10))
	w.WriteHeader(http.StatusOK)
	_ = stream.SetReadDeadline(time.Time{})
	for first := true; ; first = false {
		var lines [][]byte
		if !first {
			select {
			case <-r.Context().Done():
				return
			case line := <-reader.lines:
				lines = append(lines, line)
			}
		}
		for more := true; more && len(lines) < 1000; {
			select {
			case line := <-reader.lines:
				lines = append(lines, line)
			default:
				more = false
			}
		}
		_ = stream.SetWriteDeadline(time.Now().Add(requestTime)) // a reader that has stopped
		for _, line := range lines {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
		if err := stream.Flush(); err != nil {
			return
		}
	}
}

// Status is what the agent says of itself.
type Status struct {
	PID         int       `json:"pid"`
	Version     string    `json:"version"`
	Started     time.Time `json:"started"`
	Queue       int       `json:"report_queue"` // datagrams that may wait; more are the senders' to send again
	Peers       int       `json:"peers"`        // that the agent has in mind
	Connections int       `json:"connections"`
	Watchers    int       `json:"watchers"`
	EventsID    uint32    `json:"events_map"`
	Reports     []Counted `json:"reports"`
	Waiting     string    `json:"waiting,omitempty"` // why reports are of no use now
	Notes       []string  `json:"notes,omitempty"`   // what it cannot do where it runs

	Fleet json.RawMessage `json:"fleet,omitempty"` // a fleet.Status
}

// Status returns what GET /v1/status answers.
func (a *Agent) Status() Status {
	s := Status{
		PID: os.Getpid(), Version: a.opts.Version, Started: wall.Date(a.started), Queue: int(a.queue.Load()),
		Watchers: int(a.hub.readers.Load()), EventsID: a.opts.EventsID(), Reports: a.Counts(), Notes: a.opts.Notes(),
	}
	s.Peers, s.Connections = a.Tracked()
	if err := a.opts.Ready(); err != nil {
		s.Waiting = err.Error()
	}
	if a.opts.Fleet != nil {
		if fleet := a.opts.Fleet(); fleet != nil {
			s.Fleet, _ = json.Marshal(fleet) // of plain fields, which cannot fail
		}
	}
	return s
}

func (a *Agent) getStatus(w http.ResponseWriter, r *http.Request) {
	if a.reader(w, r, true) != nil {
		writeJSON(w, http.StatusOK, "application/json", a.Status())
	}
}
