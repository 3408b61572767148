// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/bench"
)

type jsonStory struct {
	RTTms    float64      `json:"rtt_ms"`
	RateBps  uint64       `json:"rate_bps"`
	Slower   int          `json:"times_as_slow"`
	Queue    int          `json:"queue_bytes"`
	Response int          `json:"response_bytes"`
	CC       string       `json:"cc"`
	Cwnd     resume.Bytes `json:"cwnd_bytes"`
	Ssthresh resume.Bytes `json:"ssthresh_bytes"`
	IdealMs  float64      `json:"ideal_ms"`
	Trials   []jsonTrial  `json:"trials"`
	Exact    []string     `json:"exactness"`
	Picture  string       `json:"picture"`
}

type jsonTrial struct {
	Mode        string  `json:"mode"`
	Command     string  `json:"command,omitempty"`
	Ms          float64 `json:"ms"`
	Ratio       float64 `json:"x_ideal"`
	Retransmits int     `json:"retransmits"`
	QueueDrops  uint64  `json:"queue_drops"`
	StartCwnd   uint32  `json:"start_cwnd_segments"`
	FirstFlight int     `json:"first_flight_segments"`
	FlightMs    float64 `json:"first_flight_ms"`
	MinRTTms    float64 `json:"min_rtt_ms"`
}

func (s *story) writeJSON(to io.Writer) error {
	told := jsonStory{
		RTTms: inMilliseconds(s.path.RTT), RateBps: s.path.Rate, Slower: s.slower, Queue: s.path.Queue, Response: response, CC: cc,
		Cwnd: s.window.Cwnd, Ssthresh: s.window.Ssthresh, IdealMs: inMilliseconds(s.path.Ideal(response)), Exact: s.exactness(), Picture: s.picture,
	}
	for _, t := range s.trials {
		told.Trials = append(told.Trials, jsonOf(t))
	}
	encoder := json.NewEncoder(to)
	encoder.SetIndent("", "  ")
	return encoder.Encode(told)
}

func jsonOf(t bench.Trial) jsonTrial {
	return jsonTrial{
		Mode: t.Mode.Name, Command: t.Command, Ms: inMilliseconds(t.Elapsed), Ratio: t.Ratio,
		Retransmits: t.Retransmits, QueueDrops: t.Link.ToClient.QueueDrops, StartCwnd: t.Samples[0].Cwnd,
		FirstFlight: len(t.Flight), FlightMs: inMilliseconds(t.Flight.Lasted()), MinRTTms: float64(t.Final.Min_rtt) / 1000,
	}
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
