// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
)

const (
	crowdEnv  = "TCPRESUME_FAULTS_CROWD" // congestion control and number of connections
	perMember = 8000                     // both ends of each, below the usual limit of descriptors
)

// beCrowd is this program as one of those that hold many connections at once:
// it opens them, is told to go on, opens each anew, and closes them.
func beCrowd(what string) int {
	var cc string
	var n int
	_, err := fmt.Sscanf(what, "%s %d", &cc, &n)
	if err == nil {
		err = hold(cc, n)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("closed")
	return 0
}

func hold(cc string, n int) error {
	listener, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	err = errors.Join(unix.SetsockoptString(listener, unix.IPPROTO_TCP, unix.TCP_CONGESTION, cc),
		unix.Bind(listener, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(listener, 128))
	if err != nil {
		return err
	}
	at, err := unix.Getsockname(listener)
	if err != nil {
		return err
	}
	pairs := make([][2]int, n)
	for round := range 2 {
		for i := range pairs {
			if round > 0 {
				if err := closeBoth(pairs[i]); err != nil {
					return fmt.Errorf("connection %d: %w", i, err)
				}
			}
			if pairs[i], err = connect(listener, at); err != nil {
				return fmt.Errorf("connection %d of round %d: %w", i, round, err)
			}
		}
		fmt.Println("open")
		if _, err := bufio.NewReaderSize(os.Stdin, 1).ReadByte(); err != nil {
			return err
		}
	}
	for _, p := range pairs {
		if err := errors.Join(talk(p), closeBoth(p)); err != nil {
			return err
		}
	}
	return nil
}

func connect(listener int, at unix.Sockaddr) (p [2]int, err error) {
	if p[0], err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return p, err
	}
	if err := unix.Connect(p[0], at); err != nil {
		return p, err
	}
	if p[1], _, err = unix.Accept(listener); err != nil {
		return p, err
	}
	return p, talk(p)
}

// talk sends an answer to the client, and compares it.
func talk(p [2]int) error {
	if _, err := unix.Write(p[1], content[:20_000]); err != nil {
		return err
	}
	got := make([]byte, 20_000)
	if _, err := io.ReadFull(reader(p[0]), got); err != nil {
		return err
	}
	if !bytes.Equal(got, content[:len(got)]) {
		return errors.New("wrong content")
	}
	return nil
}

type reader int

func (r reader) Read(b []byte) (int, error) {
	n, err := unix.Read(int(r), b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// closeBoth has the client see the server's end first.
func closeBoth(p [2]int) error {
	if err := unix.Close(p[1]); err != nil {
		return err
	}
	n, err := unix.Read(p[0], make([]byte, 1))
	if n != 0 || err != nil {
		return fmt.Errorf("at the end %d bytes, %w", n, err)
	}
	return unix.Close(p[0])
}

// member is one process of the crowd.
type member struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func (s *site) member(t *testing.T, cc string, n int) *member {
	t.Helper()
	m := &member{Cmd: exec.Command("/proc/self/exe")}
	m.Env = append(os.Environ(), crowdEnv+"="+cc+" "+strconv.Itoa(n))
	m.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := m.StdoutPipe()
	check.Must(t, err)
	m.in, err = m.StdinPipe()
	check.Must(t, err)
	m.lines = bufio.NewScanner(out)
	check.Must(t, s.Cgroup.Run(func() error { return s.Server.Do(m.Start) }))
	t.Cleanup(func() { _ = m.Process.Kill(); _ = m.Wait() })
	return m
}

func (m *member) says(t *testing.T, want string) {
	t.Helper()
	m.lines.Scan()
	if got := m.lines.Text(); got != want {
		t.Fatalf("a member of the crowd said %q, want %q", got, want)
	}
}

func TestCrowd(t *testing.T) {
	s := newSite(t, fmt.Sprintf("%s connections open at the same time, each closed and opened again", grouped(*crowd)), 0)
	store := s.open(t)
	defer store.Close()
	before := counter(t, store, "resumed")
	var members []*member
	for left := *crowd; left > 0; left -= perMember {
		members = append(members, s.member(t, []string{"cubic", "reno", "bbr"}[len(members)%3], min(left, perMember)))
	}
	for range 2 {
		for _, m := range members {
			m.says(t, "open")
		}
		if got := s.tcpSockets(t) / 2; got < *crowd {
			t.Errorf("%d connections are open, want %d", got, *crowd)
		}
		s.row.Times += *crowd
		s.check(t)
		for _, m := range members {
			_, err := m.in.Write([]byte{1})
			check.Must(t, err)
		}
	}
	for _, m := range members {
		m.says(t, "closed")
		check.Must(t, m.Wait())
	}
	s.check(t)
	if resumed := counter(t, store, "resumed") - before; resumed < uint64(2**crowd) {
		all, err := store.Counters()
		t.Errorf("%d connections were resumed, want at least %d; %v, %v", resumed, 2**crowd, all, err)
	}
	s.row.Connections += 2 * *crowd
}

func grouped(n int) string {
	if n < 10_000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d %03d", n/1000, n%1000)
}
