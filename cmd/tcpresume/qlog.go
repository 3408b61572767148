// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// qlogWriter writes JSON text sequences (RFC 7464) in the frame of
// draft-ietf-quic-qlog-main-schema, with the event of
// draft-ietf-tsvwg-careful-resume-qlog. That event is QUIC's: where it has
// packets, a TCP connection has sequence numbers.
type qlogWriter struct {
	w     io.Writer
	begun bool
}

func newQlog(w io.Writer) *qlogWriter { return &qlogWriter{w: w} }

const (
	recordSeparator = "\x1e"
	qlogEvents      = "urn:ietf:params:qlog:events:"
)

type qlogHeader struct {
	FileSchema string    `json:"file_schema"`
	Format     string    `json:"serialization_format"`
	Title      string    `json:"title"`
	Trace      qlogTrace `json:"trace"`
}

type qlogTrace struct {
	Common struct {
		TimeFormat string `json:"time_format"`
		Reference  struct {
			Clock string `json:"clock_type"`
			Epoch string `json:"epoch"`
		} `json:"reference_time"`
	} `json:"common_fields"`
	Vantage struct {
		Name string `json:"name"`
		Type string `json:"type"`
	} `json:"vantage_point"`
	Schemas []string `json:"event_schemas"`
}

type qlogEvent struct {
	Time  float64 `json:"time"` // milliseconds since 1970
	Name  string  `json:"name"`
	Group string  `json:"group_id,omitempty"` // the connection
	Path  string  `json:"path,omitempty"`     // of the packets: local and remote address
	Data  any     `json:"data"`
}

type qlogPhase struct {
	Old      string        `json:"old,omitempty"`
	New      string        `json:"new"`
	State    qlogState     `json:"state_data"`
	Restored *qlogRestored `json:"restored_data,omitempty"`
	Trigger  string        `json:"trigger,omitempty"`
}

type qlogState struct {
	PipeSize  uint64 `json:"pipesize"`
	First     uint64 `json:"first_unvalidated_packet"` // sequence number
	Last      uint64 `json:"last_unvalidated_packet"`
	Cwnd      uint64 `json:"congestion_window"`
	Ssthresh  uint64 `json:"ssthresh,omitempty"` // bytes; missing: not limited
	Jump      uint64 `json:"jump_cwnd,omitempty"`
	JumpLimit string `json:"jump_limit,omitempty"`
}

type qlogRestored struct {
	Cwnd uint64  `json:"saved_congestion_window"`
	RTT  float32 `json:"saved_rtt"` // milliseconds
}

func (q *qlogWriter) begin() error {
	if q.begun {
		return nil
	}
	q.begun = true
	h := qlogHeader{FileSchema: "urn:ietf:params:qlog:file:sequential", Format: "application/qlog+json-seq", Title: "tcpresume"}
	h.Trace.Common.TimeFormat = "relative_to_epoch"
	h.Trace.Common.Reference.Clock, h.Trace.Common.Reference.Epoch = "system", "1970-01-01T00:00:00.000Z"
	h.Trace.Vantage.Name, h.Trace.Vantage.Type = "tcpresume", "server"
	h.Trace.Schemas = []string{qlogEvents + "careful-resume", qlogEvents + "tcpresume"}
	return q.record(h)
}

func (q *qlogWriter) record(thing any) error {
	text, err := json.Marshal(thing)
	if err != nil {
		return err
	}
	_, err = io.WriteString(q.w, recordSeparator+string(text)+"\n")
	return err
}

func (q *qlogWriter) event(at time.Time, name, group, path string, data any) error {
	if err := q.begin(); err != nil {
		return err
	}
	return q.record(qlogEvent{Time: float64(at.UnixMicro()) / 1e3, Name: name, Group: group, Path: path, Data: data})
}

func (q *qlogWriter) kernel(e pathstore.Event) error {
	name, data := "tcpresume:"+e.Kind, any(e)
	if e.Kind == "phase" || e.Kind == "resumed" {
		name, data = "careful-resume:phase_updated", phaseOf(e)
	}
	return q.event(e.At, name, strconv.FormatUint(e.Cookie, 10), e.Local.String()+" "+e.Peer.String(), data)
}

// phaseOf spells triggers and phases as the draft does; those that it lacks keep our names.
func phaseOf(e pathstore.Event) qlogPhase {
	p := qlogPhase{
		Old: e.OldPhase, New: e.Phase, Trigger: strings.Replace(e.Trigger, "ecn_ce", "ECN_CE", 1),
		State: qlogState{
			PipeSize: uint64(e.PipeSize), First: uint64(e.FirstUnval), Last: uint64(e.LastUnval),
			Cwnd: uint64(e.Cwnd) * uint64(e.MSS), Jump: uint64(e.Jump),
		},
	}
	if e.Ssthresh < 1<<30 { // TCP_INFINITE_SSTHRESH is 2^31 - 1 segments
		p.State.Ssthresh = uint64(e.Ssthresh) * uint64(e.MSS)
	}
	if e.Kind == "resumed" {
		p.Old = "" // nothing was before
	}
	if e.Limit != "none" {
		p.State.JumpLimit = e.Limit
	}
	if e.Kind == "resumed" || e.Phase == "unvalidated" {
		p.Restored = &qlogRestored{uint64(e.SavedCwnd), float32(e.SavedRTT) / float32(time.Millisecond)}
	}
	return p
}

func (q *qlogWriter) report(e agent.ReportEvent) error {
	return q.event(e.At, "tcpresume:report", "", "", e)
}

func (q *qlogWriter) lost(e agent.LostEvent) error {
	return q.event(time.Now(), "tcpresume:lost", "", "", e)
}
