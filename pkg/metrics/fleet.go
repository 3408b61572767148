// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Fleet is what is counted where this machine shares paths with others.
type Fleet struct {
	Live    bool
	Members int               // machines
	Stored  int               // changes in the bucket
	Bytes   uint64            // of the bucket
	Waiting int               // peers that wait to be published
	Held    map[string]int    // paths of other machines in the maps, by machine
	Out, In map[string]uint64 // by what became of them
	Lag     map[float64]float64
}

var (
	fleetLive    = describe("tcpresume_fleet_live", "1 while this machine takes and publishes changes, 0 while it is joining or alone.")
	fleetMembers = describe("tcpresume_fleet_machines", "Machines that share paths with this one, itself too.")
	fleetStored  = describe("tcpresume_fleet_bucket_changes", "Changes in the bucket, one for each peer.")
	fleetBytes   = describe("tcpresume_fleet_bucket_bytes", "Size of the bucket.")
	fleetWaiting = describe("tcpresume_fleet_waiting", "Peers whose changes wait to be published.")
	fleetPaths   = describe("tcpresume_fleet_paths", "Paths of other machines in the maps, by machine.", "machine")
	fleetOut     = describe("tcpresume_fleet_out_total", "Own changes by what became of them.", "result")
	fleetIn      = describe("tcpresume_fleet_in_total", "Changes of others by what became of them.", "result")
	fleetLag     = describe("tcpresume_fleet_lag_seconds", "Time from a change of the map to its return from the bucket, over the latest 4096.", "quantile")
)

var fleetDescs = []*prometheus.Desc{
	fleetLive, fleetMembers, fleetStored, fleetBytes, fleetWaiting, fleetPaths, fleetOut, fleetIn, fleetLag,
}

// sendFleet sends nothing where there is no fleet.
func sendFleet(f *Fleet, send func(*prometheus.Desc, prometheus.ValueType, float64, ...string)) {
	if f == nil {
		return
	}
	live := 0.0
	if f.Live {
		live = 1
	}
	send(fleetLive, prometheus.GaugeValue, live)
	send(fleetMembers, prometheus.GaugeValue, float64(f.Members))
	send(fleetStored, prometheus.GaugeValue, float64(f.Stored))
	send(fleetBytes, prometheus.GaugeValue, float64(f.Bytes))
	send(fleetWaiting, prometheus.GaugeValue, float64(f.Waiting))
	for machine, n := range f.Held {
		send(fleetPaths, prometheus.GaugeValue, float64(n), machine)
	}
	for result, n := range f.Out {
		send(fleetOut, prometheus.CounterValue, float64(n), result)
	}
	for result, n := range f.In {
		send(fleetIn, prometheus.CounterValue, float64(n), result)
	}
	for quantile, seconds := range f.Lag {
		send(fleetLag, prometheus.GaugeValue, seconds, strconv.FormatFloat(quantile, 'g', -1, 64))
	}
}
