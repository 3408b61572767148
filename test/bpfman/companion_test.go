// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

const (
	watch  = "resume_watch"
	rstOut = "resume_rst_out"
	rstIn  = "resume_rst_in"
)

// program names one for bpfman's --programs.
func program(name string) string { return "tracepoint:" + name }

// listed are the programs in bpfman's table, by function name.
func (m *machine) listed(t testing.TB) map[string]uint32 {
	t.Helper()
	found := make(map[string]uint32)
	for _, row := range regexp.MustCompile(`(?m)^\s*(\d+)\s+tcpresume\s+tracepoint\s+(\w+)`).FindAllStringSubmatch(m.mustBpfman(t, "list", "programs"), -1) {
		id, err := strconv.ParseUint(row[1], 10, 32)
		check.Must(t, err)
		found[row[2]] = uint32(id)
	}
	return found
}

// load pulls the image and loads of it what is named.
func (m *machine) load(t testing.TB, image string, programs ...string) map[string]uint32 {
	t.Helper()
	arguments := []string{"load", "image", "--image-url", image, "--programs"}
	for _, name := range programs {
		arguments = append(arguments, program(name))
	}
	m.mustBpfman(t, append(arguments, "-m", "bpfman.io/ProgramName=tcpresume", "-a", "tcpresume")...)
	return m.listed(t)
}

// push makes the image and sends it to a registry of the machine.
func (m *machine) push(t testing.TB) (image string) {
	t.Helper()
	image = m.registry(t, true) + "/tcpresume-bytecode:v1"
	m.tcpresume(t, "image", "push", image, "--ca", m.ca)
	return image
}

// up runs on what bpfman has loaded.
func (m *machine) up(t testing.TB, more ...string) {
	t.Helper()
	m.tcpresume(t, append([]string{"up", "--runtime", "bpfman", "--cgroup", m.Cgroup.Path(), "--detach"}, more...)...)
}

// put stores a window for both addresses of the client through a directory of maps.
func (m *machine) put(t testing.TB, maps, cwnd string) {
	t.Helper()
	for _, peer := range []string{m.Client.IPv4.String(), m.Client.IPv6.String()} {
		m.tcpresume(t, "put", peer, "--cwnd", cwnd, "--mode", "exact", "--sharing", "shared", "--maps", maps)
	}
}

// entry is the state of a stored path.
func (m *machine) entry(t testing.TB, peer netip.Addr) string {
	t.Helper()
	var e struct{ State string }
	check.Must(t, json.Unmarshal([]byte(m.tcpresume(t, "get", peer.String(), "-o", "json")), &e))
	return e.State
}

// status is what "tcpresume status" says for programs; people see it in the log.
func (m *machine) status(t testing.TB, more ...string) (s struct {
	Runtime  loader.State
	Bpfman   bpfman.Report
	Unread   string
	Paths    map[string]int
	Counters map[string]uint64
}) {
	t.Helper()
	m.tcpresume(t, append([]string{"status"}, more...)...)
	check.Must(t, json.Unmarshal([]byte(m.tcpresume(t, append([]string{"status", "-o", "json"}, more...)...)), &s))
	return s
}

// From an empty machine to resumed connections, with the commands that a user types.
func TestCompanionOfTheReleasedBpfman(t *testing.T) {
	m := newMachine(t)
	image := m.push(t)
	loaded := m.load(t, image, watch, rstOut, rstIn)
	m.up(t)
	m.put(t, mapsOf(loaded[watch]), "100000")
	for name, ipv6 := range map[string]bool{"IPv4": false, "IPv6": true} {
		p := m.connect(t, ipv6)
		check.Same(t, name, p.start(t), p.resumed(t, 100_000))
		p.send(t, 500_000)
	}
	for name, tracepoint := range map[string]string{watch: "tcp/tcp_retransmit_skb", rstOut: "tcp/tcp_send_reset", rstIn: "tcp/tcp_receive_reset"} {
		m.mustBpfman(t, "attach", strconv.Itoa(int(loaded[name])), "tracepoint", "--tracepoint", tracepoint)
	}
	p := m.connect(t, false)
	check.Same(t, "the third", p.start(t), p.resumed(t, 100_000))
	abort(p.server)

	s := m.status(t)
	check.Same(t, "condition", s.Bpfman.Condition, bpfman.ConditionLoaded)
	check.Same(t, "maps", s.Bpfman.MapsDir, mapsOf(loaded[watch]))
	check.Same(t, "resumed", s.Counters["resumed"], 3)
	check.Same(t, "resets that bpfman's program counted", s.Counters["reset_sent"], 1)
	m.tcpresume(t, "doctor", "--cgroup", m.Cgroup.Path())
	m.tcpresume(t, "down")
	m.unloadAll(t)
}

func (m *machine) unloadAll(t testing.TB) {
	t.Helper()
	for _, id := range m.listed(t) {
		m.mustBpfman(t, "unload", strconv.Itoa(int(id)))
	}
}

// watchersOf spells who is attached.
func watchersOf(all []loader.Watcher) string {
	var words []string
	for _, w := range all {
		sign := "-"
		if w.Attached {
			sign = "+"
		}
		words = append(words, w.Name+sign)
	}
	return strings.Join(words, " ")
}
