// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/ask"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// applicationEnv tells the copy of this program what to do.
const (
	applicationEnv = "TCPRESUME_LIVE_APPLICATION"
	asks           = "asks"
	passes         = "passes"
)

// application is what the copy of this program does that has no privilege: it asks for its one connection.
func application() int {
	if os.Getenv(applicationEnv) == passes {
		result, err := revive.Here(loader.LiveLink(""))
		fmt.Printf("uid %d: %v %v", os.Getuid(), result.Verdicts, err)
		return 0
	}
	file := os.NewFile(3, "connection")
	conn, err := net.FileConn(file)
	if err == nil {
		rtt, _ := time.ParseDuration(os.Args[1])
		err = ask.Ask(conn.(*net.TCPConn), ask.State{Cwnd: 250_000, RTT: rtt})
	}
	var errno unix.Errno
	errors.As(err, &errno)
	fmt.Printf("uid %d: %d", os.Getuid(), errno)
	return 0
}

// applicationAsks hands a connection to a process of another user, which asks for it.
func applicationAsks(t testing.TB, conn *net.TCPConn, uid uint32) string {
	t.Helper()
	file, err := conn.File()
	check.Must(t, err)
	defer file.Close()
	cmd := asUser(t, asks, uid)
	cmd.Args = append(cmd.Args, scene.MidPath.RTT.String())
	cmd.ExtraFiles = []*os.File{file}
	out, err := cmd.CombinedOutput()
	check.Must(t, err)
	return string(out)
}

// asUser is a copy of this program without any privilege.
func asUser(t testing.TB, what string, uid uint32) *exec.Cmd {
	t.Helper()
	// A directory that others may enter, wherever the test's own program is.
	dir, err := os.MkdirTemp("", "application")
	check.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check.Must(t, os.Chmod(dir, 0o755))
	self, err := os.ReadFile("/proc/self/exe")
	check.Must(t, err)
	check.Must(t, os.WriteFile(dir+"/application", self, 0o755))
	cmd := exec.Command(dir + "/application")
	cmd.Env = append(os.Environ(), applicationEnv+"="+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return cmd
}

// A pass takes no capability, but the right to read one file.
func TestUnprivilegedPass(t *testing.T) {
	const uid = 1500
	s := newStage(t, scene.MidPath)
	pin := loader.LiveLink(loaded.Options.Pins)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	s.idle(t, p)
	s.Put(t, s.BDP())
	run := func() string {
		var out bytes.Buffer
		cmd := asUser(t, passes, uid)
		cmd.Stdout, cmd.Stderr = &out, &out
		check.Must(t, s.Server.Do(cmd.Start))
		check.Must(t, cmd.Wait())
		return out.String()
	}
	if said := run(); !strings.Contains(said, "permission denied") {
		t.Errorf("without the right to read it: %s", said)
	}
	for _, dir := range []string{filepath.Dir(pin), filepath.Dir(filepath.Dir(pin))} {
		check.Must(t, os.Chmod(dir, 0o711))
		t.Cleanup(func() { check.Must(t, os.Chmod(dir, 0o700)) })
	}
	check.Must(t, os.Chown(pin, uid, -1))
	t.Cleanup(func() { check.Must(t, os.Chown(pin, 0, -1)) })
	check.Same(t, "with it", run(), "uid 1500: map[resumed:1] <nil>")
	p.Reset(t)
}

func TestUnprivilegedApplications(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, uid := range []uint32{1500, 65534} {
		p := s.Greeted(t, "cubic", lab.DialSpec{})
		check.Same(t, "before anybody allowed it", applicationAsks(t, p.Server, uid), fmt.Sprintf("uid %d: %d", uid, unix.ENOPROTOOPT))
		allow(t, carefully)
		check.Same(t, "allowed", applicationAsks(t, p.Server, uid), fmt.Sprintf("uid %d: 0", uid))
		p.Send(t, 3_000_000)
		s.Ended(t, p, jumps, validates, fills, isFull)
		_, err := loader.DenyAsk(loaded.Options, loaded.Cgroup.Path())
		check.Must(t, err)
		denied := s.Greeted(t, "cubic", lab.DialSpec{})
		check.Same(t, "denied again", applicationAsks(t, denied.Server, uid), fmt.Sprintf("uid %d: %d", uid, unix.ENOPROTOOPT))
		denied.Reset(t)
	}
}

func TestAskFromAnotherCgroup(t *testing.T) {
	s := newStage(t, scene.MidPath)
	below, err := loaded.Cgroup.Child("live-allowed")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, below.Remove()) })
	_, err = loader.AllowAsk(loaded.Options, below.Path(), carefully)
	check.Must(t, err)
	t.Cleanup(func() { _, err := loader.DenyAsk(loaded.Options, below.Path()); check.Must(t, err) })
	inside := s.Connect(t, lab.ListenSpec{CC: "cubic", Cgroup: below}, lab.DialSpec{})
	outside := s.Greeted(t, "cubic", lab.DialSpec{})
	inside.Send(t, scene.Prelude)
	refused(t, ask.Ask(outside.Server, s.state()), ask.ErrNotAllowed, unix.ENOPROTOOPT)
	check.Must(t, ask.Ask(inside.Server, s.state()))
	inside.Reset(t)
	outside.Reset(t)
}

// What an application may put into the option without this repository's packages.
func TestMalformedAsks(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	good := binary.NativeEndian.AppendUint32(nil, 1)
	good = binary.NativeEndian.AppendUint32(good, 3)
	good = append(good, make([]byte, 16)...)
	for _, field := range []uint32{250_000, 0, uint32(scene.MidPath.RTT.Microseconds()), 0} {
		good = binary.NativeEndian.AppendUint32(good, field)
	}
	with := func(offset int, value uint32) []byte {
		changed := bytes.Clone(good)
		binary.NativeEndian.PutUint32(changed[offset:], value)
		return changed
	}
	set := func(option []byte) (err error) {
		check.Must(t, lab.Control(p.Server, func(fd int) error {
			err = unix.SetsockoptString(fd, ask.Level, ask.Name, string(option))
			return nil
		}))
		return err
	}
	for name, option := range map[string][]byte{
		"nothing": nil, "one byte": {1}, "a byte short": good[:len(good)-1], "version": with(0, 2), "kind 0": with(4, 0),
		"kind 4": with(4, 4), "no window": with(24, 0), "mode off": with(36, 1), "mode 4": with(36, 4), "zeroes": make([]byte, 40),
		"a page": make([]byte, 4096), "more than a page": make([]byte, 10_000),
	} {
		if err := set(option); !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: got %v, want %v", name, err, unix.EINVAL)
		}
	}
	check.Same(t, "congestion control", scene.Control(t, p.Server), "cubic")
	check.Must(t, set(append(good, make([]byte, 100)...))) // of a later version, perhaps
	p.Reset(t)
}

// Every other option passes as if nobody looked.
func TestOtherOptionsPass(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	check.Must(t, lab.Control(p.Server, func(fd int) error {
		check.Must(t, unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 0))
		got, err := unix.GetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		check.Must(t, err)
		check.Same(t, "TCP_NODELAY", got, 0)
		check.Must(t, unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno"))
		large := make([]byte, 20_000)
		check.Must(t, unix.SetsockoptString(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, string(append([]byte{1, 0, 0, 0}, large...))))
		got, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		check.Must(t, err)
		check.Same(t, "SO_KEEPALIVE", got, 1)
		err = unix.SetsockoptInt(fd, ask.Level, ask.Name+1, 1)
		check.Same(t, "the next name", err, error(unix.ENOPROTOOPT))
		_, err = unix.GetsockoptInt(fd, ask.Level, ask.Name)
		check.Same(t, "a short answer", err, error(unix.EINVAL))
		return nil
	}))
	check.Same(t, "congestion control", scene.Control(t, p.Server), "reno")
	check.Same(t, "TCP_INFO", scene.Info(t, p.Server).Snd_mss > 1000, true)
	p.Reset(t)
}
