// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// The examples are what an application would run: another user's process, in the allowed cgroup.
func TestExamples(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6, Queue: 312_500})
	s.Policy(t, func(p *resume.Policy) { p.Learn = false }) // an ask alone is to be resumed from
	dir, err := os.MkdirTemp("", "examples")
	check.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	check.Must(t, os.Chmod(dir, 0o755))
	build(t, "gcc", "-Wall", "-Wextra", "-Werror", "-o", dir+"/c", "../../examples/ask/c/server.c")
	build(t, "go", "build", "-C", "../..", "-o", dir+"/go", "./examples/ask/go")
	allow(t, carefully)
	for name, rtt := range map[string]string{"c": "100000", "go": "100ms"} {
		t.Run(name, func(t *testing.T) {
			cold, said := s.example(t, dir+"/"+name, "7001")
			check.Same(t, "output without an ask", said, "")
			asked, said := s.example(t, dir+"/"+name, "7002", "1250000", rtt)
			if !strings.HasPrefix(said, "asked for 1250000 bytes: granted\nwindow set to ") {
				t.Errorf("output with an ask: %q", said)
			}
			t.Logf("1 MB after the first answer: %d ms without an ask, %d ms with\n%s", cold.Milliseconds(), asked.Milliseconds(), said)
		})
	}
}

func build(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// example runs a server for one connection and returns how long its 1 MB took, and what it printed.
func (s *stage) example(t *testing.T, program, port string, ask ...string) (time.Duration, string) {
	t.Helper()
	cgroup, err := os.Open(loaded.Cgroup.Path())
	check.Must(t, err)
	defer cgroup.Close()
	cmd := exec.Command(program, append([]string{port}, ask...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		UseCgroupFD: true, CgroupFD: int(cgroup.Fd()),
		Pdeathsig: syscall.SIGKILL,
	}
	out, err := cmd.StdoutPipe()
	check.Must(t, err)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	check.Must(t, s.Server.Do(cmd.Start))
	lines := bufio.NewReader(out)
	if first, err := lines.ReadString('\n'); first != "listening\n" {
		t.Fatalf("%q, %v: %s", first, err, complaints.String())
	}
	client, err := s.Client.Dial(check.Background(t), lab.DialSpec{Addr: netip.MustParseAddrPort(s.Server.IPv4.String() + ":" + port)})
	check.Must(t, err)
	defer client.Close()
	fetch(t, client, 4000)
	took := fetch(t, client, 1_000_000)
	check.Must(t, client.CloseWrite())
	rest, err := io.ReadAll(lines)
	check.Must(t, errors.Join(err, cmd.Wait()))
	return took, string(rest)
}

func fetch(t *testing.T, conn *net.TCPConn, size int64) time.Duration {
	t.Helper()
	begun := time.Now()
	_, err := conn.Write([]byte{1})
	check.Must(t, err)
	_, err = io.CopyN(io.Discard, conn, size)
	check.Must(t, err)
	return time.Since(begun)
}
