// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// enough bytes on shortPath end a resume for good, BBR's start-up included.
const enough = 3_000_000

// controls are the wrapped congestion controls.
var controls = map[string]struct {
	resumed counts // of a connection that resumes
	ended   counts // of a resume that ended, besides why
	own     string // congestion control of a socket whose resume ended
	status  uint32 // its pacing
}{
	"cubic": {resumed: counts{}, ended: counts{"handed_back": 1}, own: "cubic", status: unpaced},
	"reno":  {resumed: counts{}, ended: counts{"handed_back": 1}, own: "reno", status: unpaced},
	"bbr":   {resumed: counts{"kept_bbr": 1}, ended: counts{"pipe_full": 1}, own: "resume_bbr", status: paced},
}

func TestResumedBeforeTheFirstByte(t *testing.T) {
	s := newStage(t, shortPath)
	for cc, c := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 200_000, Ssthresh: 400_000})
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			segment := mss(t, p.server)
			check.Same(t, "windows", windowsOf(t, p.server), windows{uint32(200_000 / segment), uint32(400_000 / segment)})
			check.Same(t, "congestion control", scene.Control(t, p.server), "resume_"+cc)
			s.expect(t, resumedOnce.plus(c.resumed))
			p.reset(t)
			s.expect(t, closedEarly)
		})
	}
}

func TestWithoutTheWrapperTheWindowAloneIsSet(t *testing.T) {
	s := newStage(t, shortPath)
	unregister(t)
	for cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 200_000, Ssthresh: 400_000})
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			check.Same(t, "windows", windowsOf(t, p.server), windows{uint32(200_000 / mss(t, p.server)), lab.InfiniteSsthresh})
			check.Same(t, "congestion control", scene.Control(t, p.server), cc)
			s.expect(t, counts{"established": 1, "cwnd_only": 1, "applied": 1})
			p.send(t, 400_000)
			p.reset(t)
			s.expect(t, closedOnce)
			next := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			s.expect(t, counts{"established": 1, "already_in_use": 1})
			next.reset(t)
		})
	}
}

// unregister takes the wrappers out of the kernel until the test ends.
func unregister(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { register(t) })
	for cc := range controls {
		err := os.Remove(filepath.Join(loader.DefaultPins, "links", "resume_"+cc))
		if errors.Is(err, fs.ErrNotExist) { // registered by map, as before Linux 6.4
			err = emptied(filepath.Join(loader.DefaultPins, "wrappers", "resume_"+cc))
		}
		check.Must(t, err)
	}
	check.Eventually(t, patience, "unregistered", func() bool { return !strings.Contains(available(t), "resume_") })
}

func emptied(pin string) error {
	m, err := ebpf.LoadPinnedMap(pin, nil)
	if err != nil {
		return err
	}
	defer m.Close()
	return m.Delete(uint32(0))
}

// register brings missing wrappers back.
func register(t *testing.T) {
	t.Helper()
	runtime, err := loader.Up(check.Background(t), loaded.Options)
	if err != nil {
		t.Fatal(err)
	}
	runtime.Close()
}

func available(t testing.TB) string {
	t.Helper()
	list, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	check.Must(t, err)
	return string(list)
}
