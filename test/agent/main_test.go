// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	patience = 20 * time.Second
	maxPaths = 1 << 17
)

// program is tcpresume as it is built from this tree.
var program string

func TestMain(m *testing.M) {
	if dir := os.Getenv(strangerEnv); dir != "" {
		stranger(dir)
	}
	if families := os.Getenv(familiesEnv); families != "" {
		os.Unsetenv(familiesEnv)
		confined(families)
	}
	rig.Private(func() int {
		dir, err := os.MkdirTemp("", "tcpresume-agent-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if program, err = rig.BuildProgram(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	})
}

// stage is a set of maps and a directory for sockets.
type stage struct {
	pins, sockets string
	*pathstore.Store
}

func newStage(t *testing.T) *stage {
	t.Helper()
	pins, err := os.MkdirTemp("/sys/fs/bpf", strings.ReplaceAll(t.Name(), "/", "-")+"-")
	check.Must(t, err)
	check.Must(t, rig.PinMaps(filepath.Join(pins, "maps"), maxPaths))
	sockets, err := os.MkdirTemp("", "tcpresume-sockets-") // shorter than t.TempDir, as the names of sockets must be
	check.Must(t, err)
	check.Must(t, os.Chmod(sockets, 0o755))
	s := &stage{pins: pins, sockets: filepath.Join(sockets, "run")}
	s.Store, err = pathstore.Open(filepath.Join(pins, "maps"))
	check.Must(t, err)
	t.Cleanup(func() {
		s.Close()
		os.RemoveAll(pins)
		os.RemoveAll(sockets)
	})
	return s
}

// start runs an agent until the test ends at the latest.
func (s *stage) start(t *testing.T, args ...string) *rig.Agent {
	t.Helper()
	a, err := rig.StartAgent(program, s.pins, s.sockets, args...)
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, a.Stop()) })
	return a
}

// run runs a verb and returns its exit code and output.
func (s *stage) run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "TCPRESUME_PINS="+s.pins, "TCPRESUME_SOCKETS="+s.sockets)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// grown is a report of a connection that has filled its window.
func grown(peer netip.Addr, cwnd uint64) resume.Report {
	return resume.Report{Peer: peer, ID: peer.String(), Cwnd: cwnd, MinRTT: 20 * time.Millisecond, Sent: 9_000_000}
}

// peerOf numbers addresses of both families.
func peerOf(i int) netip.Addr {
	if i%2 == 0 {
		return netip.AddrFrom4([4]byte{203, byte(i >> 16), byte(i >> 8), byte(i)})
	}
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)}) // each is a network of its own
}

// stored is the entry that a report of grown becomes; ages are not compared.
func stored(peer netip.Addr, cwnd uint64) pathstore.Entry {
	return pathstore.Entry{
		Path: resume.Path{
			Peer: peer, Cwnd: resume.Bytes(cwnd), RTT: 20 * time.Millisecond,
			Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
		},
		State: pathstore.StateFree,
	}
}

func (s *stage) entry(t *testing.T, peer netip.Addr) pathstore.Entry {
	t.Helper()
	e, err := s.Get(peer, 0)
	check.Must(t, err)
	e.TTL, e.Age = 0, 0
	return e
}

// count is how many entries there are.
func (s *stage) count(t *testing.T) int {
	t.Helper()
	n := 0
	for _, err := range s.Entries() {
		check.Must(t, err)
		n++
	}
	return n
}
