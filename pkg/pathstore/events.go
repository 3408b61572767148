// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Event is one record of the kernel: a connection resumed, changed its phase, or closed.
type Event struct {
	Kind       string         `json:"event"` // resumed, phase, closed, learnt
	At         time.Time      `json:"time"`
	Cookie     uint64         `json:"cookie"` // names the connection
	Local      netip.AddrPort `json:"local"`
	Peer       netip.AddrPort `json:"peer"`
	CC         string         `json:"cc"`
	Mode       resume.Mode    `json:"mode"`
	Source     resume.Source  `json:"source"`
	CwndOnly   bool           `json:"cwnd_only,omitempty"`
	OldPhase   string         `json:"old_phase"`
	Phase      string         `json:"phase"`
	Trigger    string         `json:"trigger"`
	SavedCwnd  resume.Bytes   `json:"saved_cwnd"` // as stored and capped
	SavedSsth  resume.Bytes   `json:"saved_ssthresh"`
	SavedRTT   time.Duration  `json:"saved_rtt_ns"`
	Cwnd       uint32         `json:"cwnd_segments"` // after the transition
	Ssthresh   uint32         `json:"ssthresh_segments"`
	MSS        uint32         `json:"mss"`
	SRTT       time.Duration  `json:"srtt_ns"`
	MinRTT     time.Duration  `json:"min_rtt_ns"`
	BytesSent  uint64         `json:"bytes_sent"`
	BytesAcked uint64         `json:"bytes_acked"`
	Retrans    uint32         `json:"retransmits"`
	Lost       uint32         `json:"lost"`
	PipeSize   resume.Bytes   `json:"pipesize"` // RFC 9959; the next four are careful's
	Jump       resume.Bytes   `json:"jump"`
	Limit      string         `json:"limit"`             // what bound the jump
	FirstUnval uint32         `json:"first_unvalidated"` // sequence numbers
	LastUnval  uint32         `json:"last_unvalidated"`
}

// eventDelay is how late an event may be seen. The ring is looked at so often,
// not woken by: a wake-up from the kernel costs each event several times what
// writing it does.
const eventDelay = 20 * time.Millisecond

// Watch calls each for every event from now on, until ctx ends or each fails.
// The ring holds one reader: of two at once each sees a part.
func (s *Store) Watch(ctx context.Context, each func(Event) error) error {
	return s.watchSince(ctx, bootNow(), each)
}

func (s *Store) watchSince(ctx context.Context, since uint64, each func(Event) error) error {
	reader, err := ringbuf.NewReader(s.maps[bytecode.KernelMapResumeEvents])
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = reader.Flush() }) // a deadline would wait for the read that it is to end
	defer reader.Close()
	defer stop()

	var record ringbuf.Record
	for {
		boot, wall := bootNow(), time.Now() // again each time: the wall clock may be set
		reader.SetDeadline(time.Now().Add(eventDelay))
		err := reader.ReadInto(&record)
		for ; err == nil; err = reader.ReadInto(&record) {
			var raw bytecode.KernelResumeEvent
			if len(record.RawSample) < int(unsafe.Sizeof(raw)) {
				return fmt.Errorf("event of %d bytes, expected %d: load the matching version of tcpresume", len(record.RawSample), unsafe.Sizeof(raw))
			}
			raw = *(*bytecode.KernelResumeEvent)(unsafe.Pointer(&record.RawSample[0]))
			if raw.AtNs < since {
				continue // from before anybody watched
			}
			if err := each(decodeEvent(raw, wall.Add(time.Duration(int64(raw.AtNs-boot))))); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, ringbuf.ErrFlushed):
			return ctx.Err()
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("reading events: %w", err)
		}
	}
}

// EventsID names the ring in the kernel: two programs whose ID is the same read one ring.
func (s *Store) EventsID() (uint32, error) {
	return mapID(s.maps[bytecode.KernelMapResumeEvents])
}

// PinnedEventsID is the EventsID of the maps that are pinned in dir now.
func PinnedEventsID(dir string) (uint32, error) {
	m, err := openPinned(dir, bytecode.KernelMapResumeEvents)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	return mapID(m)
}

func mapID(m *ebpf.Map) (uint32, error) {
	info, err := m.Info()
	if err != nil {
		return 0, fmt.Errorf("asking for the ring of events: %w", err)
	}
	id, _ := info.ID()
	return uint32(id), nil
}

func decodeEvent(raw bytecode.KernelResumeEvent, at time.Time) Event {
	micro := func(us uint32) time.Duration { return time.Duration(us) * time.Microsecond }
	return Event{
		Kind:       word("resume_event_kind", raw.Kind),
		At:         at,
		Cookie:     raw.Cookie,
		Local:      netip.AddrPortFrom(netip.AddrFrom16(raw.LocalAddr).Unmap(), raw.LocalPort),
		Peer:       netip.AddrPortFrom(netip.AddrFrom16(raw.PeerAddr).Unmap(), raw.PeerPort),
		CC:         word("resume_cc", raw.Cc),
		Mode:       resume.Mode(word("resume_mode", raw.Mode)),
		Source:     resume.Source(word("resume_source", raw.Source)),
		CwndOnly:   raw.CwndOnly != 0,
		OldPhase:   word("resume_phase", raw.OldPhase),
		Phase:      word("resume_phase", raw.Phase),
		Trigger:    word("resume_trigger", raw.Trigger),
		SavedCwnd:  resume.Bytes(raw.CwndBytes),
		SavedSsth:  resume.Bytes(raw.SsthreshBytes),
		SavedRTT:   micro(raw.SavedRttUs),
		Cwnd:       raw.SndCwnd,
		Ssthresh:   raw.SndSsthresh,
		MSS:        raw.Mss,
		SRTT:       micro(raw.SrttUs),
		MinRTT:     micro(raw.MinRttUs),
		BytesSent:  raw.BytesSent,
		BytesAcked: raw.BytesAcked,
		Retrans:    raw.Retransmits,
		Lost:       raw.Lost,
		PipeSize:   resume.Bytes(raw.PipeBytes),
		Jump:       resume.Bytes(raw.JumpBytes),
		Limit:      word("resume_limit", raw.Limit),
		FirstUnval: raw.FirstUnvalidated,
		LastUnval:  raw.LastUnvalidated,
	}
}
