// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
)

// service is a tcpresume that stays.
type service struct {
	cmd *exec.Cmd

	mu   sync.Mutex
	said bytes.Buffer
}

func (s *service) Write(words []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said.Write(words)
}

func (m *machine) service(t testing.TB, arguments ...string) *service {
	t.Helper()
	s := &service{cmd: m.command(nil, tcpresumePath, arguments...)}
	s.cmd.Stdout, s.cmd.Stderr = s, s
	check.Must(t, m.Server.Do(s.cmd.Start))
	t.Cleanup(func() { _, _ = s.cmd.Process.Kill(), s.cmd.Wait() })
	return s
}

// says waits for words, and forgets what was said up to them.
func (s *service) says(t testing.TB, words string) {
	t.Helper()
	check.Eventually(t, patience, "the service says "+words, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		_, after, ok := strings.Cut(s.said.String(), words)
		if ok {
			t.Logf("the service said:\n%s", s.said.String())
			s.said.Reset()
			s.said.WriteString(after)
		}
		return ok
	})
}

func (s *service) stop(t testing.TB) {
	t.Helper()
	check.Must(t, s.cmd.Process.Signal(os.Interrupt))
	check.Must(t, s.cmd.Wait())
}
